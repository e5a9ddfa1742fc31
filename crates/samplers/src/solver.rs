//! What a sampling method is: one step across a span.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::{Grid, Span};

use crate::SampleError;

/// One step across a span; one published method, one implementation.
///
/// A solver has no state: what a multistep method remembers are the past predictions handed in.
pub trait Solver<const D: usize> {
    /// How many past predictions [`step`](Self::step) looks at; there are fewer near the start.
    fn memory(&self) -> usize {
        0
    }

    /// Whether the method's own settings suit every step of a grid; [`steps`](crate::steps) asks before the first one.
    ///
    /// # Errors
    /// A [`SampleError`] that says what would suit the whole grid.
    fn check(&self, _grid: &Grid) -> Result<(), SampleError> {
        Ok(())
    }

    /// Moves `x` from where `span` starts to where it ends. `past` is newest first.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`, and so is the result.
    ///
    /// # Errors
    /// A [`SampleError`] if the model has no belief that this step needs.
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError>;
}

impl<const D: usize, S: Solver<D> + ?Sized> Solver<D> for Box<S> {
    fn memory(&self) -> usize {
        (**self).memory()
    }

    fn check(&self, grid: &Grid) -> Result<(), SampleError> {
        (**self).check(grid)
    }

    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        (**self).step(model, x, span, past, noise)
    }
}

/// What one step did; an observer is any code that looks at these.
#[derive(Clone, Debug)]
pub struct Step<const D: usize> {
    /// The span that was crossed.
    pub span: Span,
    /// What the model believed where the step began, after all wrappers: where the span starts, or a little above
    /// it after a [`Churn`](crate::Churn).
    pub prediction: Prediction<D>,
    /// The samples where the span ends (where it starts, if [`DdimInversion`](crate::DdimInversion) crossed it).
    pub x: Tensor<D>,
    /// How often this step asked the model.
    pub evals: usize,
}
