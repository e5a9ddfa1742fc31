//! What the network of a row is told beside the noised image.

use crate::RunError;
use burn::tensor::Device;
use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Network};
use undrift_networks::{AnyNetwork, Backbone, Condition, Mode};
use undrift_noise::{Key, Purpose, SampleNoise};

/// What the network of a row is told beside the noised image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Conditioning {
    /// Nothing.
    #[default]
    None,
    /// The class of each image.
    Classes {
        /// Number of classes; samples are of the first, the second, .. by turns.
        count: u32,
        /// Probability in [0, 1] that training takes an image's class away (Ho and Salimans 2022, arXiv:2207.12598).
        dropout: f64,
    },
}

/// Whose classes are taken away.
const LABEL_DROPOUT: Purpose = Purpose::named("undrift.label-dropout");

impl Conditioning {
    /// What is said of a training batch with these labels, whose first image is the `first` of the training.
    ///
    /// # Errors
    /// [`RunError::Network`] for a probability that is none.
    pub(crate) fn of_batch(
        self,
        labels: &[u32],
        seed: u64,
        first: u64,
        device: &Device,
    ) -> Result<Condition, RunError> {
        match self {
            Conditioning::None => Ok(Condition::None),
            Conditioning::Classes { dropout, .. } => {
                let mut noise = SampleNoise::new(Key::new(seed, LABEL_DROPOUT), first, labels.len());
                Ok(Condition::classes(labels).dropped(dropout, &mut noise, device)?)
            }
        }
    }

    /// What is said of the samples `first .. first + count`.
    pub(crate) fn of_samples(self, first: u64, count: usize) -> Condition {
        match self {
            Conditioning::None => Condition::None,
            Conditioning::Classes { count: classes, .. } => {
                let of = |sample: u64| (sample % u64::from(classes.max(1))) as u32;
                Condition::classes(&(first..first + count as u64).map(of).collect::<Vec<_>>())
            }
        }
    }
}

/// A network with what it is told, for evaluation.
pub(crate) struct Told<'a> {
    pub(crate) network: &'a AnyNetwork<4>,
    pub(crate) condition: Condition,
}

impl Network<4> for Told<'_> {
    fn forward(&self, x: Tensor<4>, time: Tensor<1>) -> Result<Tensor<4>, DenoiseError> {
        let answer = self.network.forward(x, time, &self.condition, Mode::Evaluation);
        answer.map_err(|source| DenoiseError::foreign("network", source))
    }
}

/// A network with what it is told, in training: every question about the batch meets the same dropout masks.
pub(crate) struct InTraining<'a> {
    pub(crate) network: &'a AnyNetwork<4>,
    pub(crate) condition: Condition,
    pub(crate) dropout: SampleNoise,
}

impl Network<4> for InTraining<'_> {
    fn forward(&self, x: Tensor<4>, time: Tensor<1>) -> Result<Tensor<4>, DenoiseError> {
        let answer = self.network.forward(x, time, &self.condition, Mode::Training(&mut self.dropout.clone()));
        answer.map_err(|source| DenoiseError::foreign("network", source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_of_each_class_by_turns_whatever_the_batch() {
        let classes = |first, count| {
            let condition = Conditioning::Classes { count: 3, dropout: 0.0 }.of_samples(first, count);
            let Condition::Classes(classes) = condition else { panic!("classes are given") };
            classes.into_iter().flatten().collect::<Vec<_>>()
        };
        assert_eq!(classes(0, 5), [0, 1, 2, 0, 1]);
        assert_eq!(classes(2, 3), classes(0, 5)[2..]);
    }

    #[test]
    fn an_image_loses_its_class_whatever_the_batch() {
        let of = |first: u64, labels: &[u32]| {
            let conditioning = Conditioning::Classes { count: 3, dropout: 0.5 };
            let Condition::Classes(classes) = conditioning.of_batch(labels, 1, first, &Device::flex()).unwrap() else {
                panic!("classes are given")
            };
            classes
        };
        let all = of(0, &[1; 40]);
        assert!(all.iter().any(Option::is_some) && all.iter().any(Option::is_none));
        assert_eq!(of(30, &[1; 10]), all[30..]);
    }
}
