//! What a network was given in a recorded run.

use burn::tensor::{Device, Tensor};
use undrift_checkpoints::Network;

use crate::case::Arithmetic;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{Array, images, tensor, values};

/// What a network was given.
pub(super) struct Input {
    pub(super) x: Tensor<4>,
    time: Tensor<1>,
    labels: Option<Vec<usize>>,
}

impl Input {
    pub(super) fn read(fixture: &Fixture, run: Arithmetic, on: &Device) -> Result<Self, FixtureError> {
        let tensors = fixture.tensors();
        let time = tensors.get("input/timesteps")?;
        let x = images("input/x", tensors.get("input/x")?, run)?;
        let labels = tensors.find("input/y").map(|_| tensors.indices("input/y")).transpose()?;
        let time = tensor(time.values.clone(), [time.values.len()], run);
        Ok(Input { x: onto(x, on), time: onto(time, on), labels })
    }

    /// The same with an image that gradients are asked of.
    pub(super) fn tracked(&self) -> Self {
        Input { x: self.x.clone().require_grad(), time: self.time.clone(), labels: self.labels.clone() }
    }

    /// The output for this input, whatever its number of axes.
    pub(super) fn through(&self, network: &Network) -> Array {
        match network {
            Network::Classifier(net) => array(net.forward(self.x.clone(), self.time.clone())),
            net => array(self.image(net)),
        }
    }

    /// The mean of the squared differences from `target`.
    pub(super) fn squared_error(&self, network: &Network, target: &Array, run: Arithmetic) -> Tensor<1> {
        match network {
            Network::Classifier(net) => mean_square(net.forward(self.x.clone(), self.time.clone()), target, run),
            net => mean_square(self.image(net), target, run),
        }
    }

    fn image(&self, network: &Network) -> Tensor<4> {
        network.forward(self.x.clone(), self.time.clone(), self.labels.as_deref())
    }
}

fn mean_square<const D: usize>(output: Tensor<D>, target: &Array, run: Arithmetic) -> Tensor<1> {
    let target: Tensor<D> = tensor(target.values.clone(), output.dims(), run);
    (output.clone() - onto(target, &output.device())).square().mean()
}

fn array<const D: usize>(output: Tensor<D>) -> Array {
    Array { shape: output.dims().to_vec(), values: values(output) }
}

/// The same numbers on a device that may track gradients.
fn onto<const D: usize>(x: Tensor<D>, device: &Device) -> Tensor<D> {
    let dtype = x.dtype();
    Tensor::from_data(x.into_data(), (device, dtype))
}
