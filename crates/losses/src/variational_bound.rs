//! One random term of the variational bound, as a training loss.

use crate::{Corruption, LossError, bound};
use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Question, Variance};
use undrift_noise::Noise;
use undrift_schedules::Span;

/// The training loss `L` of the paper's table 2: one term of the variational bound for each sample.
///
/// Noises `x0` to the start of its span by `corruption`, asks the model, and returns [`bound::term`]. With
/// spans drawn uniformly from a chain its expectation is the bound without the prior's term, divided by `T`: the
/// authors' code does not multiply by `T` either (Ho et al. 2020, arXiv:2006.11239, eq. 5 and section 3.4), which
/// changes nothing but the size of gradients, hence what a clip at norm 1 and Adam's epsilon do.
/// The gradient reaches mean and variance alike; nothing is detached.
///
/// # Shapes
/// `x0`: `[B, ..]` on the 256 grey levels `g / 127.5 - 1`; `spans`: one for all samples or `B`; result: `[B]`, in
/// bits per dimension.
///
/// # Errors
/// As [`bound::term`], and whatever the model answers.
pub fn variational_bound<const D: usize>(
    model: &dyn Denoiser<D>,
    variance: Variance,
    corruption: &dyn Corruption<D>,
    x0: Tensor<D>,
    spans: &[Span],
    noise: &mut dyn Noise<D>,
) -> Result<Tensor<1>, LossError> {
    let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
    at.check(&x0)?;
    let x = corruption.corrupt(model, &x0, &at, noise)?.x;
    let prediction = model.predict(x, &Question::from(&at))?;
    bound::term(&prediction, &x0, spans, variance)
}
