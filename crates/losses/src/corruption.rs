//! How a training input is made of clean data.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels};
use undrift_noise::Noise;

use crate::{LossError, mix};

/// How a training input is made: what the network sees, and the noise that its target is made of.
///
/// The two need not belong together: [`InputPerturbation`](crate::InputPerturbation) shows the network more noise
/// than it asks it for. What depends on nothing but the data leaves `model` alone.
pub trait Corruption<const D: usize> {
    /// Noises clean data to the levels `at`, with as many draws of `noise` as it needs. `model` is the one in training,
    /// for inputs that are its own work ([`ScheduledSampling`](crate::ScheduledSampling)).
    ///
    /// # Shapes
    /// `x0`: `[B, ..]`; `at`: one level for all samples or `B`, which the losses have checked; both parts of the
    /// result have the shape of `x0`.
    ///
    /// # Errors
    /// Whatever the model answers, and [`LossError::foreign`] with a reason of its own.
    fn corrupt(
        &self,
        model: &dyn Denoiser<D>,
        x0: &Tensor<D>,
        at: &Levels,
        noise: &mut dyn Noise<D>,
    ) -> Result<Corrupted<D>, LossError>;
}

/// Passes the question on, so that a corruption chosen at run time can be borrowed or boxed.
macro_rules! pass_on {
    ($pointer:ty) => {
        impl<const D: usize, C: Corruption<D> + ?Sized> Corruption<D> for $pointer {
            fn corrupt(
                &self,
                model: &dyn Denoiser<D>,
                x0: &Tensor<D>,
                at: &Levels,
                noise: &mut dyn Noise<D>,
            ) -> Result<Corrupted<D>, LossError> {
                (**self).corrupt(model, x0, at, noise)
            }
        }
    };
}

pass_on!(&C);
pass_on!(Box<C>);

/// A training input.
#[derive(Clone, Debug)]
pub struct Corrupted<const D: usize> {
    /// What the network sees, in the coordinates of the levels.
    pub x: Tensor<D>,
    /// The noise that, with `x0`, makes the target of a squared error.
    pub eps: Tensor<D>,
}

/// The forward process itself: `x = signal * x0 + noise * eps` with one draw (Ho et al. 2020, arXiv:2006.11239, eq. 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain;

impl<const D: usize> Corruption<D> for Plain {
    fn corrupt(
        &self,
        _model: &dyn Denoiser<D>,
        x0: &Tensor<D>,
        at: &Levels,
        noise: &mut dyn Noise<D>,
    ) -> Result<Corrupted<D>, LossError> {
        let eps = noise.normal(x0);
        Ok(Corrupted { x: mix(x0.clone(), eps.clone(), at), eps })
    }
}
