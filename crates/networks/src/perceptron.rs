//! A perceptron for points, and for anything small enough to be flattened.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use undrift_kernels::silu;
use undrift_noise::Key;

use crate::backbone::check_input;
use crate::bounds::{BLOCKS, CLASSES, SIDE, at_least, within};
use crate::dropout::Dropout;
use crate::fused::convolve_rows;
use crate::initialiser::{Initialiser, ONE, ZERO};
use crate::labels::rows;
use crate::{AnyNetwork, Architecture, Backbone, Condition, ConditionKind, Mode, NetworkError, Sinusoids};

/// The shape of a perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerceptronConfig {
    /// Channels, height and width of its input; `[d, 1, 1]` for points of d coordinates.
    pub input: [usize; 3],
    /// Channels of its output: those of the input, or twice as many where the variance is learned.
    pub out_channels: usize,
    /// Units of every hidden layer, and of the features of the time; at least 4.
    pub width: usize,
    /// Number of hidden layers.
    pub depth: usize,
    /// Number of classes of a conditional network, which also has a row for a lost class.
    #[serde(default)]
    pub classes: Option<usize>,
    /// Probability in `[0, 1)` that training drops a hidden unit.
    #[serde(default)]
    pub dropout: f64,
}

impl PerceptronConfig {
    /// A perceptron for points of so many coordinates: 4 layers of width 128, without classes.
    pub fn points(coordinates: usize) -> Self {
        let input = [coordinates, 1, 1];
        PerceptronConfig { input, out_channels: coordinates, width: 128, depth: 4, classes: None, dropout: 0.0 }
    }

    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// What [`validate`](Self::validate) finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<Perceptron, NetworkError> {
        self.validate()?;
        Ok(Perceptron::new(self, device, key))
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value: a number of 0 or more than any machine can hold, a width below 4, a dropout
    /// outside `[0, 1)`.
    pub fn validate(&self) -> Result<(), NetworkError> {
        let [channels, height, width] = self.input;
        let sides = [("channels of input", channels), ("height of input", height), ("width of input", width)];
        sides.into_iter().try_for_each(|(field, value)| within(field, value, SIDE))?;
        within("out_channels", self.out_channels, SIDE)?;
        at_least("width", self.width, 4)?;
        within("width", self.width, SIDE)?;
        within("depth", self.depth, BLOCKS)?;
        within("classes", self.classes.unwrap_or(1), CLASSES)?;
        within("numbers of an input", numbers(self.input), SIDE)?;
        within("numbers of an output", numbers(self.output()), SIDE)?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::Dropout { value: self.dropout });
        }
        Ok(())
    }
}

/// A perceptron of flattened samples, made by [`PerceptronConfig::init`].
///
/// Every hidden layer is `SiLU(dense(h) + dense(e))`, where e is the time (DDPM's sinusoids, dense, SiLU) plus the
/// vector of the class; the last layer is dense and starts as good as zero.
#[derive(Module, Debug)]
pub struct Perceptron {
    time: Conv2d,
    classes: Option<Param<Tensor<2>>>,
    layers: Vec<Layer>,
    out: Conv2d,
    #[module(skip)]
    config: PerceptronConfig,
}

/// A hidden layer and what it reads of time and class.
#[derive(Module, Debug)]
struct Layer {
    dense: Conv2d,
    embedding: Conv2d,
}

impl Perceptron {
    /// The configuration that this network was made from.
    pub fn config(&self) -> &PerceptronConfig {
        &self.config
    }

    fn new(config: &PerceptronConfig, device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key);
        let width = config.width;
        let time = init.conv([width, width], 1, ONE);
        let classes = config.classes.map(|classes| init.normal([classes + 1, width], 1.0));
        let mut from = numbers(config.input);
        let layers = (0..config.depth).map(|_| {
            let dense = init.conv([std::mem::replace(&mut from, width), width], 1, ONE);
            Layer { dense, embedding: init.conv([width, width], 1, ONE) }
        });
        let layers = layers.collect();
        let out = init.conv([width, numbers(config.output())], 1, ZERO);
        Perceptron { time, classes, layers, out, config: config.clone() }
    }

    fn run(&self, x: Tensor<4>, time: Tensor<1>, labels: Option<&[usize]>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let batch = x.dims()[0];
        let embedding = silu(convolve_rows(&self.time, Sinusoids::DDPM.embed(time, self.config.width)));
        let embedding = match (&self.classes, labels) {
            (Some(table), Some(labels)) => embedding.add(rows(table.val(), labels)),
            _ => embedding,
        };
        let flat = x.reshape([batch, numbers(self.config.input)]);
        let hidden = self.layers.iter().fold(flat, |h, layer| {
            let shift = convolve_rows(&layer.embedding, embedding.clone());
            dropout.apply(silu(convolve_rows(&layer.dense, h).add(shift)))
        });
        let [channels, height, width] = self.config.output();
        convolve_rows(&self.out, hidden).reshape([batch, channels, height, width])
    }
}

impl Backbone<4> for Perceptron {
    fn forward(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        condition: &Condition,
        mode: Mode<'_>,
    ) -> Result<Tensor<4>, NetworkError> {
        let batch = x.dims()[0];
        check_input(self.config.input, x.dims(), time.dims())?;
        self.knows().check(condition, batch)?;
        mode.check(batch)?;
        let labels = condition.labels(self.config.classes);
        Ok(self.run(x, time, labels.as_deref(), &mut mode.dropout(self.config.dropout)))
    }

    fn knows(&self) -> ConditionKind {
        self.config.condition()
    }
}

impl Architecture for PerceptronConfig {
    fn network(&self, device: &Device, key: Key) -> Result<AnyNetwork<4>, NetworkError> {
        self.init(device, key).map(AnyNetwork::new)
    }

    fn input(&self) -> [usize; 3] {
        self.input
    }

    fn output(&self) -> [usize; 3] {
        [self.out_channels, self.input[1], self.input[2]]
    }

    fn condition(&self) -> ConditionKind {
        let classes = |count| ConditionKind::Classes { count: count as u32, may_be_lost: true };
        self.classes.map_or(ConditionKind::None, classes)
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a configuration of numbers is JSON")
    }

    fn sentence(&self) -> String {
        let [channels, height, width] = self.input;
        format!(
            "A perceptron for {channels}x{height}x{width} numbers: {} layers of {} units, dropout {}, {}.",
            self.depth,
            self.width,
            self.dropout,
            self.condition(),
        )
    }
}

/// Numbers of a sample; more than this machine can count are as many as it can.
fn numbers(shape: [usize; 3]) -> usize {
    shape.iter().fold(1, |product: usize, side| product.saturating_mul(*side))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_named() {
        let message = |change: fn(&mut PerceptronConfig)| {
            let mut config = PerceptronConfig::points(2);
            change(&mut config);
            config.validate().expect_err("must be refused").to_string()
        };
        PerceptronConfig::points(2).validate().unwrap();
        assert!(message(|c| c.input[1] = 0).contains("height of input is 0"));
        assert!(message(|c| c.input = [1 << 16; 3]).contains("numbers of an input"));
        assert!(message(|c| c.out_channels = 0).contains("out_channels is 0"));
        assert!(message(|c| c.width = 3).contains("width is 3"));
        assert!(message(|c| c.depth = 0).contains("depth is 0"));
        assert!(message(|c| c.classes = Some(0)).contains("classes is 0"));
        assert!(message(|c| c.dropout = 1.0).contains("[0, 1)"));
    }
}
