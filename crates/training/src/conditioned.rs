//! A network and what its samples are conditioned on, as a denoiser asks it.

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Network};
use undrift_networks::{Backbone, Condition, Mode};
use undrift_noise::SampleNoise;

/// A network whose question lacks only `x` and the time: what [`Preconditioned`](undrift_denoisers::Preconditioned), and
/// with it every loss and sampler, takes.
///
/// ```
/// use burn::tensor::Device;
/// use undrift_denoisers::{Eps, OutputVariance, Preconditioned};
/// use undrift_networks::{Condition, PerceptronConfig};
/// use undrift_noise::{Key, Purpose};
/// use undrift_training::Conditioned;
///
/// let config = PerceptronConfig { classes: Some(2), ..PerceptronConfig::points(2) };
/// let network = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation))?;
/// let of_one = Conditioned::new(&network, Condition::classes(&[1, 1, 1])); // for batches of three
/// let model = Preconditioned { network: of_one, parameterisation: Eps, variance: OutputVariance::None };
/// # Ok::<(), undrift_networks::NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conditioned<'a, B> {
    network: &'a B,
    condition: Condition,
    dropout: Option<SampleNoise>,
}

impl<'a, B> Conditioned<'a, B> {
    /// A network that answers, about samples of this condition.
    pub fn new(network: &'a B, condition: Condition) -> Self {
        Conditioned { network, condition, dropout: None }
    }

    /// The same in training, with its dropout from `noise`; a second question about the same samples meets the same
    /// masks.
    #[must_use]
    pub fn in_training(self, noise: SampleNoise) -> Self {
        Conditioned { dropout: Some(noise), ..self }
    }
}

impl<const D: usize, B: Backbone<D>> Network<D> for Conditioned<'_, B> {
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Result<Tensor<D>, DenoiseError> {
        let mut dropout = self.dropout.clone();
        let mode = dropout.as_mut().map_or(Mode::Evaluation, Mode::Training);
        self.network.forward(x, time, &self.condition, mode).map_err(|why| DenoiseError::foreign("the network", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use undrift_networks::{Perceptron, PerceptronConfig};
    use undrift_noise::{Key, Purpose};

    fn network() -> Perceptron {
        let config = PerceptronConfig { dropout: 0.5, classes: Some(3), ..PerceptronConfig::points(2) };
        config.init(&Device::flex(), Key::new(1, Purpose::Initialisation)).unwrap()
    }

    fn answer(network: &impl Network<4>) -> Result<TensorData, DenoiseError> {
        let x = Tensor::ones([2, 2, 1, 1], &Device::flex());
        network.forward(x, Tensor::from_floats([5.0], &Device::flex())).map(Tensor::into_data)
    }

    #[test]
    fn classes_bear_on_the_answer_and_masks_stay() {
        let network = network();
        let of = |class| Conditioned::new(&network, Condition::classes(&[class, class]));
        let plain = answer(&of(0)).unwrap();
        assert_ne!(plain, answer(&of(1)).unwrap());
        let dropping = of(0).in_training(SampleNoise::new(Key::new(1, Purpose::Dropout), 0, 2));
        assert_ne!(answer(&dropping).unwrap(), plain);
        assert_eq!(answer(&dropping).unwrap(), answer(&dropping).unwrap());
    }

    #[test]
    fn what_the_network_refuses_comes_back_with_its_reason() {
        let network = network();
        let error = answer(&Conditioned::new(&network, Condition::None)).unwrap_err();
        assert!(error.to_string().contains("3 classes"), "{error}");
    }
}
