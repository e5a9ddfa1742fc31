//! The terms of the variational bound, in bits per dimension.

use crate::per_sample::mean_over_dims;
use crate::{LossError, decoder_log_likelihood, normal_kl};
use burn::tensor::{Bool, Tensor};
use std::f64::consts::LN_2;
use undrift_denoisers::{Prediction, Variance, column};
use undrift_schedules::{Level, Span};

/// One term of the variational bound for each sample: a KL divergence, or the decoder's negative log-likelihood
/// where the span ends at the data.
///
/// Ho et al. 2020, arXiv:2006.11239, eq. 5: `L_{t-1} = KL(q(x_{t-1} | x_t, x0) || p(x_{t-1} | x_t))` for `t >= 2`
/// and `L_0 = -ln p(x0 | x_1)`. In bits, averaged over dimensions, and not multiplied by `T`, as in the authors'
/// code. On a span between levels the true posterior has the clipped logarithm of `beta_tilde`; the model's mean
/// and variance are those with which the ancestral sampler would take the same step.
///
/// # Shapes
/// `x0`: `[B, ..]`, for spans to the data on the 256 grey levels `g / 127.5 - 1`; `spans`: one for all samples or
/// `B`, mixed at will; result: `[B]`, in bits per dimension.
///
/// # Errors
/// Where the prediction has no posterior mean on these spans or no such variance, and where counts or shapes do
/// not fit the batch.
pub fn term<const D: usize>(
    prediction: &Prediction<D>,
    x0: &Tensor<D>,
    spans: &[Span],
    variance: Variance,
) -> Result<Tensor<1>, LossError> {
    let mean = prediction.posterior_mean(spans)?;
    if mean.dims() != x0.dims() {
        return Err(LossError::DataShape { data: x0.dims().to_vec(), prediction: mean.dims().to_vec() });
    }
    let log_variance = variance.log_variance(prediction, spans)?.expand(x0.dims());
    let model = Diagonal { mean, log_variance };
    let to_data = spans.iter().filter(|span| span.to().is_none()).count();
    let nats = match to_data {
        0 => Diagonal::posterior(prediction, x0, spans).kl(model),
        n if n == spans.len() => model.surprise(x0),
        _ => mixed(Diagonal::posterior(prediction, x0, spans), model, x0, to_data_mask(x0, spans)),
    };
    Ok(mean_over_dims(nats) / LN_2)
}

/// The prior's term `L_T = KL(q(x_T | x0) || N(0, I))`, in bits per dimension.
///
/// Ho et al. 2020, arXiv:2006.11239, eq. 5. No parameter enters it. In VP units, whatever the level's own scale,
/// and with `-alpha_bar - ln(1 - alpha_bar)` taken in f64 on the host, because in f32 it cancels to nothing.
///
/// # Shapes
/// `x0`: `[B, ..]`; `at`: the noisiest level; result: `[B]`.
pub fn prior<const D: usize>(x0: &Tensor<D>, at: Level) -> Tensor<1> {
    let alpha_bar = at.alpha_bar();
    let of_variance = -alpha_bar - (-alpha_bar).ln_1p();
    (mean_over_dims(x0.clone().square()) * alpha_bar + of_variance) * (0.5 / LN_2)
}

/// A Gaussian with independent pixels.
struct Diagonal<const D: usize> {
    mean: Tensor<D>,
    log_variance: Tensor<D>,
}

impl<const D: usize> Diagonal<D> {
    /// `q(x_{t-1} | x_t, x0)`, Ho et al. 2020, eq. 6 and 7, in the coordinates of each span.
    fn posterior(prediction: &Prediction<D>, x0: &Tensor<D>, spans: &[Span]) -> Self {
        let of_spans = |f: fn(&Span) -> f64| column(&spans.iter().map(f).collect::<Vec<_>>(), x0);
        let of_x0 = of_spans(|span| span.posterior().x0);
        let of_x = of_spans(|span| span.posterior().x);
        let log_variance = of_spans(|span| span.log_beta_tilde_clipped() + 2.0 * span.to_scale().ln());
        let mean = x0.clone() * of_x0 + prediction.x() * of_x;
        Diagonal { mean, log_variance: log_variance.expand(x0.dims()) }
    }

    fn kl(self, model: Self) -> Tensor<D> {
        normal_kl(self.mean, self.log_variance, model.mean, model.log_variance)
    }

    /// The decoder's `-ln p(x0 | x_1)` in nats.
    fn surprise(self, x0: &Tensor<D>) -> Tensor<D> {
        -decoder_log_likelihood(x0.clone(), self.mean, self.log_variance * 0.5)
    }

    fn replaced(&self, mask: &Tensor<D, Bool>, mean: &Tensor<D>, log_variance: &Tensor<D>) -> Self {
        Diagonal {
            mean: self.mean.clone().mask_where(mask.clone(), mean.clone()),
            log_variance: self.log_variance.clone().mask_where(mask.clone(), log_variance.clone()),
        }
    }
}

/// KL where `to_data` is false, the decoder's surprise where it is true.
///
/// A mask on the result alone is not enough: an unused branch that overflows has gradient `0 * inf`, not a number.
/// So both branches are also fed harmless values where they are not used.
fn mixed<const D: usize>(
    truth: Diagonal<D>,
    model: Diagonal<D>,
    x0: &Tensor<D>,
    to_data: Tensor<D, Bool>,
) -> Tensor<D> {
    let between = to_data.clone().bool_not();
    let for_decoder = model.replaced(&between, x0, &x0.zeros_like());
    let for_kl = model.replaced(&to_data, &truth.mean, &truth.log_variance);
    truth.kl(for_kl).mask_where(to_data, for_decoder.surprise(x0))
}

fn to_data_mask<const D: usize>(x0: &Tensor<D>, spans: &[Span]) -> Tensor<D, Bool> {
    let flags: Vec<f64> = spans.iter().map(|span| if span.to().is_none() { 1.0 } else { 0.0 }).collect();
    column(&flags, x0).greater_elem(0.5).expand(x0.dims())
}
