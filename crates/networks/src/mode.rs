//! What a forward pass is for.

use undrift_noise::SampleNoise;

use crate::NetworkError;
use crate::condition::check_rows;
use crate::dropout::Dropout;

/// What a forward pass is for: an answer, or the next update of the weights.
#[derive(Debug)]
pub enum Mode<'a> {
    /// Nothing is dropped, also on an autodiff device.
    Evaluation,
    /// Whatever the network drops in training is given by the next draws of this noise, one number per sample: what
    /// sample i loses is a function of (key, i, draw).
    Training(&'a mut SampleNoise),
}

impl<'a> Mode<'a> {
    /// Refuses noise of another number of samples.
    pub(crate) fn check(&self, batch: usize) -> Result<(), NetworkError> {
        match self {
            Mode::Evaluation => Ok(()),
            Mode::Training(noise) => check_rows("sample numbers of the dropout noise", batch, noise.samples().len()),
        }
    }

    /// Dropout with this probability in training, none in evaluation.
    pub(crate) fn dropout(self, probability: f64) -> Dropout<'a> {
        match self {
            Mode::Evaluation => Dropout::off(),
            Mode::Training(noise) => Dropout::new(probability, noise),
        }
    }
}
