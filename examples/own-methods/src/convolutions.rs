//! A network of three convolutions.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::activation::silu;
use burn::tensor::{Device, Tensor};
use serde_json::{Value, json};
use undrift_lab::methods::slots::Networks;
use undrift_lab::methods::{MethodError, Parameter, Row};
use undrift_networks::{AnyNetwork, Architecture, Backbone, Condition, ConditionKind, Mode, NetworkError, Sinusoids};
use undrift_noise::{Key, Noise, SampleNoise};

/// Its numbers.
#[derive(Clone, Debug)]
struct Shape {
    input: [usize; 3],
    outputs: usize,
    width: usize,
}

/// Image and time to as many channels as it is wide, to as many again, and back.
#[derive(Module, Debug)]
struct Convolutions {
    enter: Conv2d,
    time: Linear,
    middle: Conv2d,
    leave: Conv2d,
    #[module(skip)]
    shape: Shape,
}

impl Backbone<4> for Convolutions {
    fn forward(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        condition: &Condition,
        _mode: Mode<'_>,
    ) -> Result<Tensor<4>, NetworkError> {
        let [batch, found @ ..] = x.dims();
        if found != self.shape.input {
            return Err(NetworkError::Input { takes: self.shape.input.to_vec(), found: found.to_vec() });
        }
        self.knows().check(condition, batch)?;
        let time = self.time.forward(Sinusoids::DDPM.embed(time, self.shape.width));
        let [labels, width] = time.dims();
        let h = silu(self.enter.forward(x) + time.reshape([labels, width, 1, 1]));
        Ok(self.leave.forward(silu(self.middle.forward(h))))
    }

    fn knows(&self) -> ConditionKind {
        ConditionKind::None
    }
}

impl Architecture for Shape {
    fn network(&self, device: &Device, key: Key) -> Result<AnyNetwork<4>, NetworkError> {
        let (inside, outside) = (self.width, [self.input[0], self.output()[0]]);
        let mut first = Drawn { device, key, next: 0 };
        Ok(AnyNetwork::new(Convolutions {
            enter: first.convolution([outside[0], inside]),
            time: Linear { weight: first.weights([inside, inside], inside), bias: None },
            middle: first.convolution([inside, inside]),
            leave: first.convolution([inside, outside[1]]),
            shape: self.clone(),
        }))
    }

    fn input(&self) -> [usize; 3] {
        self.input
    }

    fn output(&self) -> [usize; 3] {
        [self.input[0] * self.outputs, self.input[1], self.input[2]]
    }

    fn condition(&self) -> ConditionKind {
        ConditionKind::None
    }

    fn to_json(&self) -> Value {
        json!({ "input": self.input, "outputs": self.outputs, "width": self.width })
    }

    fn sentence(&self) -> String {
        format!("Three convolutions of {} channels.", self.width)
    }
}

/// Draws initial weights, each parameter from a stream of its own.
struct Drawn<'a> {
    device: &'a Device,
    key: Key,
    next: u64,
}

impl Drawn<'_> {
    /// Normal numbers of variance 1 / `fan_in`.
    fn weights<const D: usize>(&mut self, shape: [usize; D], fan_in: usize) -> Param<Tensor<D>> {
        self.next += 1;
        let like = Tensor::<1>::zeros([shape.iter().product::<usize>()], self.device).reshape([1, -1]);
        let drawn: Tensor<2> = SampleNoise::new(self.key, self.next, 1).normal(&like);
        Param::from_tensor((drawn / (fan_in as f64).sqrt()).reshape(shape))
    }

    fn convolution(&mut self, [from, to]: [usize; 2]) -> Conv2d {
        Conv2d {
            weight: self.weights([to, from, 3, 3], 9 * from),
            bias: None,
            stride: [1; 2],
            kernel_size: [3; 2],
            dilation: [1; 2],
            groups: 1,
            padding: PaddingConfig2d::Explicit(1, 1, 1, 1),
        }
    }
}

pub(crate) const ROW: Row<Networks> = Row {
    name: "three-convolutions",
    about: "three convolutions of 3x3, the time added to the first",
    parameters: &[Parameter::count("width", Some(16), "channels inside, from 4 to 4096")],
    build: |values, of| match (values.count("width"), of.classes) {
        (width @ 4..=4096, None) => Ok(Box::new(Shape { input: of.input, outputs: of.outputs, width })),
        _ => Err(MethodError::refused(
            values.method(),
            "it needs a `width` in 4..=4096, and `model.condition = \"none\"`",
        )),
    },
};
