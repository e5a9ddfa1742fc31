//! The forward process in one jump.

use burn::tensor::Tensor;
use undrift_denoisers::Levels;

/// The forward process in one jump: `x_t = signal * x0 + noise * eps`.
///
/// Ho et al. 2020, arXiv:2006.11239, eq. 4, where `signal = sqrt(alpha_bar)` and `noise = sqrt(1 - alpha_bar)`.
///
/// # Shapes
/// `x0`, `eps`, result: `[B, ..]`; `at`: one level for all samples or `B` levels.
///
/// # Panics
/// If `at` holds neither 1 nor `B` levels, or the shapes of `x0` and `eps` differ (Burn's own checks).
pub fn mix<const D: usize>(x0: Tensor<D>, eps: Tensor<D>, at: &Levels) -> Tensor<D> {
    let signal = at.column(&x0, |level| level.signal());
    let noise = at.column(&x0, |level| level.noise());
    x0 * signal + eps * noise
}
