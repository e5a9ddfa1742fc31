//! A step of DDIM that lands each sample at a level of its own.

use burn::tensor::Tensor;
use undrift_denoisers::{Prediction, column};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Level, Span};

use crate::SampleError;

/// DDIM's step (Song, Meng, Ermon 2020, arXiv:2010.02502, eq. 12) with the alpha_bar of `landings` where it ends:
/// one for all samples, or one for each; `None` is the data.
///
/// The result is in the coordinates of the end of `span`, where the next question treats it as being. Noise is
/// drawn only where some is added.
///
/// # Errors
/// [`SampleError::ShiftUp`] if `eta` is not 0 and a sample would land at a noisier level than it started at.
pub(crate) fn land<const D: usize>(
    prediction: &Prediction<D>,
    span: &Span,
    landings: &[Option<Level>],
    eta: f64,
    noise: &mut dyn Noise<D>,
) -> Result<Tensor<D>, SampleError> {
    let each = landings.iter().map(|to| weights(span.from(), *to, eta)).collect::<Result<Vec<_>, _>>()?;
    let like = prediction.x();
    let weigh =
        |of: usize| column(&each.iter().map(|weights| weights[of] * span.to_scale()).collect::<Vec<_>>(), &like);
    let x = prediction.x0() * weigh(0) + prediction.eps() * weigh(1);
    match each.iter().any(|weights| weights[2] > 0.0) {
        true => Ok(x + noise.normal(&like) * weigh(2)),
        false => Ok(x),
    }
}

/// Weights of x0, of eps and of new noise in variance-preserving coordinates.
fn weights(from: Level, to: Option<Level>, eta: f64) -> Result<[f64; 3], SampleError> {
    let (alpha_bar, rest) = to.map_or((1.0, 0.0), |to| (to.alpha_bar(), to.one_minus_alpha_bar()));
    let kept = 1.0 - from.alpha_bar() / alpha_bar;
    let added = match (eta > 0.0, to) {
        (true, Some(to)) if kept < 0.0 => return Err(SampleError::ShiftUp { from: from.time(), to: to.time() }),
        (true, _) => eta * (kept * rest / from.one_minus_alpha_bar()).sqrt(),
        (false, _) => 0.0,
    };
    Ok([alpha_bar.sqrt(), (rest - added * added).sqrt(), added])
}

/// Checks a share of stochasticity.
pub(crate) fn checked_eta(eta: f64) -> Result<f64, SampleError> {
    if (0.0..=1.0).contains(&eta) { Ok(eta) } else { Err(SampleError::EtaShare { eta }) }
}

/// The index from 0 of a level in its chain, as the released codes count.
pub(crate) fn index_in(chain: &Chain, level: Level) -> Result<usize, SampleError> {
    let t = chain.t_of(level).ok_or(SampleError::OffChain { time: level.time() })?;
    Ok(t - 1)
}
