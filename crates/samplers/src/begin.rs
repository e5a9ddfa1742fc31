//! How a step begins: the question where its span starts.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction, Question};
use undrift_schedules::Level;

use crate::SampleError;

/// What the model believes about `x` where a step starts.
///
/// # Shapes
/// `x` is `[batch, ..]` at `from`.
///
/// # Errors
/// [`SampleError::Denoise`] with the label of `from` if the model has no belief there.
pub fn begin<const D: usize>(model: &dyn Denoiser<D>, x: Tensor<D>, from: Level) -> Result<Prediction<D>, SampleError> {
    model.predict(x, &Question::from(from)).map_err(SampleError::at(from.time()))
}

/// The same for a method that needs a signal there, as every one does that divides by it or by sigma.
///
/// # Shapes
/// As [`begin`].
///
/// # Errors
/// [`SampleError::NoSignal`] at pure noise, before the model is asked, and those of [`begin`].
pub fn begin_with_signal<const D: usize>(
    model: &dyn Denoiser<D>,
    x: Tensor<D>,
    from: Level,
) -> Result<Prediction<D>, SampleError> {
    if from.is_pure_noise() {
        return Err(SampleError::NoSignal { time: from.time() });
    }
    begin(model, x, from)
}
