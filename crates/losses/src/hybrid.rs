//! Improved DDPM's hybrid loss, which learns a variance beside `L_simple`.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Network, Parameterisation, Preconditioned, Prediction, Question, Variance};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::per_sample::mean_over_dims;
use crate::{Corrupted, Corruption, LossError, bound};

/// The two parts of Improved DDPM's hybrid loss, from one answer of the network.
///
/// # Shapes
/// Both parts are `[B]`.
#[derive(Clone, Debug)]
pub struct Hybrid {
    /// The mean squared error of the network's raw output, as [`squared_error`](crate::squared_error).
    pub simple: Tensor<1>,
    /// One term of the variational bound, in bits per dimension, whose gradient reaches the variance alone.
    pub bound: Tensor<1>,
}

impl Hybrid {
    /// `lambda` of the paper.
    pub const LAMBDA: f64 = 0.001;

    /// `L_simple + lambda L_vlb` for a chain of `steps` levels: `simple + lambda * steps * bound`.
    ///
    /// One term at a uniform level, times `steps`, estimates the bound. The authors' code (`RESCALED_MSE`) writes
    /// the same as `bound * steps / 1000`; its `MSE` with a learned variance leaves the factor out, which is `lambda`
    /// of `1 / steps`. At `lambda` 0 this is `simple`, bit for bit.
    pub fn total(self, lambda: f64, steps: usize) -> Tensor<1> {
        if lambda == 0.0 {
            return self.simple;
        }
        self.simple + self.bound * (lambda * steps as f64)
    }
}

/// The hybrid loss of a network with a learned variance (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 16).
///
/// The bound is computed with the network's belief held fixed: `L_simple` teaches the mean, and the bound nothing but
/// the variance. Both see the same input, made by `corruption`, and no x0 is clipped, as in the authors' code.
///
/// # Shapes
/// `x0`: `[B, ..]` on the 256 grey levels `g / 127.5 - 1`; `spans`: one for all samples or `B`.
///
/// # Errors
/// If the network emits no variance, as [`bound::term`], and where the parameterisation has no target at a level.
pub fn hybrid<const D: usize, N, P>(
    model: &Preconditioned<N, P>,
    corruption: &dyn Corruption<D>,
    x0: Tensor<D>,
    spans: &[Span],
    noise: &mut dyn Noise<D>,
) -> Result<Hybrid, LossError>
where
    N: Network<D>,
    P: Parameterisation,
{
    let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
    at.check(&x0)?;
    let Corrupted { x, eps } = corruption.corrupt(model, &x0, &at, noise)?;
    let prediction = model.predict(x, &Question::from(&at))?;
    let bound = bound::term(&with_fixed_belief(&prediction, model)?, &x0, spans, Variance::Learned)?;
    let target = model.target(x0, eps, &at)?;
    Ok(Hybrid { simple: mean_over_dims((target - prediction.output()).square()), bound })
}

/// The same belief, which no gradient reaches, beside the same variance, which it reaches.
fn with_fixed_belief<const D: usize, N, P: Parameterisation>(
    prediction: &Prediction<D>,
    model: &Preconditioned<N, P>,
) -> Result<Prediction<D>, LossError> {
    let (x, belief) = (prediction.x(), prediction.output().detach());
    let fixed = Prediction::from_output(x, belief, prediction.at().clone(), &model.parameterisation)?;
    Ok(match prediction.learned() {
        Some(learned) => fixed.with_log_variance(learned.clone()),
        None => fixed,
    })
}
