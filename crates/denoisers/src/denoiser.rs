//! The one question that everything asks a model.

use burn::tensor::Tensor;

use crate::{DenoiseError, Prediction, Question};

/// The only thing that solvers, losses and wrappers know about a model: what it believes at a level.
///
/// Conditioning is captured by the value (a label, a guide), not passed here.
pub trait Denoiser<const D: usize> {
    /// What the model believes about `x`, whose samples are at the levels `at`.
    ///
    /// A wrapper that asks a model inside hands the question on, with its stage and the belief before it.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`; `at` holds one level, or one for each sample.
    ///
    /// # Errors
    /// A [`DenoiseError`] where the model says nothing at such a level or the shapes do not fit.
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError>;
}

impl<const D: usize, M: Denoiser<D> + ?Sized> Denoiser<D> for &M {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        (**self).predict(x, at)
    }
}

impl<const D: usize, M: Denoiser<D> + ?Sized> Denoiser<D> for Box<M> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        (**self).predict(x, at)
    }
}
