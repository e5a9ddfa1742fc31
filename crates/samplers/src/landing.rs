//! A step of DDIM that lands each sample at a level of its own.

use burn::tensor::Tensor;
use undrift_denoisers::{Prediction, column};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Level, Span};

use crate::SampleError;
use crate::shares::of_landing;

/// DDIM's step (Song, Meng, Ermon 2020, arXiv:2010.02502, eq. 12) with the alpha_bar of `landings` where it ends:
/// one for all samples, or one for each; `None` is the data.
///
/// The result is in the coordinates of the end of `span`, where the next question treats it as being. Noise is
/// drawn only where some is added.
///
/// # Shapes
/// Those of the prediction's `x`. `eta` is in 0..=1.
///
/// # Errors
/// [`SampleError::ShiftUp`] if `eta` is not 0 and a sample would land at a noisier level than it started at.
pub fn land<const D: usize>(
    prediction: &Prediction<D>,
    span: &Span,
    landings: &[Option<Level>],
    eta: f64,
    noise: &mut dyn Noise<D>,
) -> Result<Tensor<D>, SampleError> {
    let each = landings.iter().map(|to| of_landing(span.from(), *to, eta)).collect::<Result<Vec<_>, _>>()?;
    let like = prediction.x();
    let weigh =
        |of: usize| column(&each.iter().map(|weights| weights[of] * span.to_scale()).collect::<Vec<_>>(), &like);
    let x = prediction.x0() * weigh(0) + prediction.eps() * weigh(1);
    match each.iter().any(|weights| weights[2] > 0.0) {
        true => Ok(x + noise.normal(&like) * weigh(2)),
        false => Ok(x),
    }
}

/// The index from 0 of a level in its chain, as the released codes count.
///
/// # Errors
/// [`SampleError::OffChain`] for a level that the chain does not have.
pub fn index_in(chain: &Chain, level: Level) -> Result<usize, SampleError> {
    let t = chain.t_of(level).ok_or(SampleError::OffChain { time: level.time() })?;
    Ok(t - 1)
}
