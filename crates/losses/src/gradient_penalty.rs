//! The penalty on a network's slope in its input.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Question};
use undrift_noise::Noise;

use crate::LossError;
use crate::per_sample::sum_over_dims;

/// Estimates `|d eps / d x|_F^2`, the squared Frobenius norm of the slope of eps in its input, of each sample.
///
/// It is the gradient penalty that Ning et al. 2023, arXiv:2301.11706, compare input perturbation with;
/// the caller multiplies it by `lambda` and adds it to a loss. Where the authors take the slope by automatic
/// differentiation twice over, we take it by a difference, `|eps(x + step u) - eps(x)|^2 / step^2` with one draw
/// `u ~ N(0, I)`: its mean over `u` is `|J|_F^2 + O(step^2)`, as `E |J u|^2 = |J|_F^2`, and a plain backward pass
/// gives its gradient in the weights. `x` is measured in variance-preserving units whatever the coordinates.
/// The network must answer both questions with the same dropout masks, or their difference counts as slope.
///
/// # Shapes
/// `x`: `[B, ..]`, noisy inputs; `at`: one level for all samples or `B`; result: `[B]`, summed over dimensions.
/// `step` is positive; [`PENALTY_STEP`] suits single precision.
///
/// # Errors
/// [`LossError::Step`] for a step that is not positive and finite, and whatever the model answers.
pub fn gradient_penalty<const D: usize>(
    model: &dyn Denoiser<D>,
    x: Tensor<D>,
    at: &Levels,
    step: f64,
    noise: &mut dyn Noise<D>,
) -> Result<Tensor<1>, LossError> {
    if !(step > 0.0 && step.is_finite()) {
        return Err(LossError::Step { step });
    }
    at.check(&x)?;
    let aside = noise.normal(&x) * at.column(&x, |level| step * level.scale());
    let here = model.predict(x.clone(), &Question::from(at))?.eps();
    let there = model.predict(x + aside, &Question::from(at))?.eps();
    Ok(sum_over_dims(((there - here) / step).square()))
}

/// A step at which single precision loses one part in 1e5 of the difference, and curvature adds about as little.
pub const PENALTY_STEP: f64 = 1e-2;
