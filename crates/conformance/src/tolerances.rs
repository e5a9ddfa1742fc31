//! How closely our numbers must agree with published ones, by group.
//!
//! A table built from 1 - alpha_bar loses digits where alpha_bar is near 1, single precision loses more,
//! and a long chain gathers what its steps lose; each constant is the room that the published code itself
//! needs between its own single and double precision, or between two orders of the same operations.

use undrift_checkpoints::Layout;
use undrift_schedules::{Level, Span};

use super::case::Arithmetic;
use super::compare::Tolerance;

/// Tables of a schedule in double precision.
pub const TABLE: Tolerance = Tolerance::relative(1e-12);
/// A sigma that the published code took as the root of a difference from 1 in double precision, which the
/// last place of 1 disturbs by more than [`TABLE`] where sigma is small.
pub fn sigma_of_difference(sigma: f64) -> f64 {
    TABLE.relative * sigma + if sigma > 0.0 { f64::EPSILON / sigma } else { 0.0 }
}
/// Betas that are 1 minus a ratio, by a library whose elementary functions differ from ours in the last place.
pub const BETA_OF_RATIO: Tolerance = Tolerance::new(4.0 * f64::EPSILON, 1e-12, 0.0);
/// Posterior terms of a cosine schedule with more than [`LONG_COSINE`] steps, whose first betas are about 1e-5.
pub const POSTERIOR_OF_LONG_COSINE: Tolerance = Tolerance::relative(1e-10);
/// A cosine schedule with more steps than this is long.
pub const LONG_COSINE: usize = 1000;
/// Betas that the published code computed in single precision.
pub const SINGLE_BETA: Tolerance = Tolerance::absolute(3e-8);
/// alpha_bar from a running product in single precision.
pub const SINGLE_ALPHA_BAR: Tolerance = Tolerance::relative(2e-6);
/// Noise levels of a sampler that the published code computed in single precision.
pub const SINGLE_SIGMA: Tolerance = Tolerance::relative(1e-5);
/// Fractional time labels that the published code computed in single precision.
pub const SINGLE_TIME: Tolerance = Tolerance::new(1e-5, 1e-5, 0.0);
/// One unit in the last place of single precision just below 1; a rounding there errs by up to half of it.
const ULP: f64 = 6e-8;

/// alpha_bar of a chain whose published code took `1 - beta` in single precision: [`SINGLE_ALPHA_BAR`] and the
/// rounding of that difference, which counts where a beta is near 1.
pub fn single_alpha_bar(alpha_bar: f64, beta: f64) -> f64 {
    let of_difference = if beta < 1.0 { ULP / (1.0 - beta) } else { 0.0 };
    alpha_bar * (SINGLE_ALPHA_BAR.relative + of_difference)
}

/// A beta that the published code took, in single precision, as 1 minus the ratio of two numbers that are
/// themselves squares of differences: `shrunk` says to which share of its terms the worse difference has shrunk.
pub fn single_beta_of_ratio(beta: f64, shrunk: f64) -> f64 {
    let of_differences = if shrunk > 0.0 { 8.0 * ULP / shrunk } else { 0.0 };
    8.0 * ULP + (1.0 - beta) * of_differences
}

/// How far the published code's single precision moves an ancestral step, per unit of `x0` and of `x`: it takes
/// beta and both `1 - alpha_bar` as differences from 1, each off by half a unit in the last place.
pub fn single_posterior(span: Span) -> f64 {
    let Some(to) = span.to() else {
        return 0.0;
    };
    let relative = |difference: f64| 0.5 * ULP / difference;
    let (posterior, remaining) = (span.posterior(), relative(span.from().one_minus_alpha_bar()));
    let of_x0 = posterior.x0 * (relative(span.beta()) + remaining);
    of_x0 + posterior.x * (relative(to.one_minus_alpha_bar()) + remaining)
}

/// How far the published code's single precision moves a step of DDIM, per unit of eps and of the fresh noise: it
/// takes beta, both `1 - alpha_bar` and `1 - alpha_bar - sigma^2` as differences from 1.
pub fn single_ddim(span: Span, eta: f64) -> (f64, f64) {
    let Some(to) = span.to() else {
        return (0.0, 0.0);
    };
    let relative = |difference: f64| 0.5 * ULP / difference;
    let variance = eta * eta * span.beta_tilde();
    let of_root =
        relative(to.one_minus_alpha_bar()) + relative(span.from().one_minus_alpha_bar()) + relative(span.beta());
    let direction = (to.one_minus_alpha_bar() - variance).max(0.0).sqrt();
    ((0.5 * ULP + variance * of_root) / (2.0 * direction), 0.5 * variance.sqrt() * of_root)
}

/// How far a `sqrt(1 - alpha_bar)` is off that the published code took in single precision.
pub fn single_noise(level: Level) -> f64 {
    0.5 * ULP / (2.0 * level.noise())
}

/// A sigma that the published code took from `1 - alpha_bar` (or from `e^x - 1`) in single precision: its square
/// is off by two units in the last place of 1 on top of [`SINGLE_SIGMA`].
pub fn single_sigma_of_ratio(sigma: f64) -> f64 {
    SINGLE_SIGMA.relative * sigma + if sigma > 0.0 { ULP / sigma } else { 0.0 }
}

/// A sigma of a Karras grid whose smallest sigma has the error of [`single_sigma_of_ratio`]: it enters every
/// sigma through the `rho`-th root.
pub fn single_sigma_of_root(sigma: f64, smallest: f64, rho: f64) -> f64 {
    let of_smallest = ULP / (smallest * smallest);
    let share = if sigma > 0.0 { (smallest / sigma).powf(1.0 / rho) } else { 0.0 };
    (SINGLE_SIGMA.relative + of_smallest * share) * sigma
}

/// One reverse step.
pub const fn step(run: Arithmetic) -> Tolerance {
    match run {
        Arithmetic::F64 => Tolerance::new(1e-10, 1e-10, 0.0),
        Arithmetic::F32 => Tolerance::new(2e-5, 0.0, 2e-5),
    }
}

/// A mean moved by a classifier, which the published code takes in single precision whatever the rest is in.
pub const SINGLE_CONDITION_MEAN: Tolerance = step(Arithmetic::F32);

/// A whole reverse chain; `bounded` when clipping or the toy model keeps the state from growing.
pub const fn chain(run: Arithmetic, bounded: Bounded) -> Tolerance {
    match (run, bounded) {
        (Arithmetic::F64, Bounded::Grows) => Tolerance::new(0.0, 0.0, 1e-6),
        (Arithmetic::F64, _) => Tolerance::new(1e-8, 0.0, 1e-8),
        (Arithmetic::F32, Bounded::Clipped) => Tolerance::absolute(1e-4),
        (Arithmetic::F32, _) => Tolerance::new(0.0, 0.0, 1e-4),
    }
}

/// A chain of EDM's over the sigmas of improved DDPM, which the authors take from a sine in single precision that
/// is not quite ours, so that the sigmas agree to 1e-6.
pub const EDM_OF_SINGLE_SINE: Tolerance = Tolerance::new(0.0, 0.0, 1e-5);

/// What keeps the state of a chain small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounded {
    /// The predicted x0 is clipped.
    Clipped,
    /// Nothing is clipped, but the model is the exact one of its data.
    Exact,
    /// Nothing is clipped and the model is wrong, so that errors grow with the state.
    Grows,
}

/// A loss or one term of the bound; small ones are differences of numbers near 1, hence the absolute part.
pub const fn loss(run: Arithmetic) -> Tolerance {
    match run {
        Arithmetic::F64 => Tolerance::new(1e-14, 1e-8, 0.0),
        Arithmetic::F32 => Tolerance::new(1e-5, 1e-4, 0.0),
    }
}

/// One term of the bound times the length of its chain.
pub const fn rescaled_bound(run: Arithmetic) -> Tolerance {
    match run {
        Arithmetic::F64 => loss(run),
        Arithmetic::F32 => Tolerance::new(3e-3, 1e-4, 0.0),
    }
}

/// A signal-to-noise ratio that the published code took from `1 - alpha_bar` in single precision, which errs by a
/// unit in the last place of 1.
pub fn single_snr(snr: f64) -> f64 {
    let base = loss(Arithmetic::F32);
    base.absolute + snr * (base.relative + ULP * (1.0 + snr))
}

/// Bits per dimension summed over a whole chain.
pub const fn total_bits(run: Arithmetic) -> Tolerance {
    match run {
        Arithmetic::F64 => Tolerance::relative(1e-8),
        Arithmetic::F32 => Tolerance::absolute(5e-4),
    }
}

/// The same for a cosine schedule without clipping, whose last levels have next to no signal to divide by.
pub const fn total_bits_of_open_cosine(run: Arithmetic) -> Tolerance {
    match run {
        Arithmetic::F64 => total_bits(run),
        Arithmetic::F32 => Tolerance::absolute(5e-2),
    }
}

/// Pixels scaled from 0..255 to -1..1 in single precision.
pub const GREY_LEVEL: Tolerance = Tolerance::absolute(1.5e-7);

/// The predicted x0 of single precision divides by `sqrt(alpha_bar)`; this is the error before that division.
pub const SINGLE_PRED_X0: f64 = 1e-6;

/// A mean squared error of a predicted x0 that is off by [`SINGLE_PRED_X0`] over `signal`.
pub fn single_x0_mse(mse: f64, signal: f64) -> f64 {
    let (base, gap) = (loss(Arithmetic::F32), SINGLE_PRED_X0 / signal);
    base.absolute + base.relative * mse + 2.0 * mse.sqrt() * gap + gap * gap
}

/// An output of a network.
///
/// Published codes take the sines and cosines of time labels in single precision, whose elementary functions differ
/// in the last place from one processor to the next; near a time of 1000 that moves a feature by up to 6e-5. With
/// DiT's 256 features it reaches the output as 4e-6 in double precision too, and DDIM's code rounds its exponents in
/// another order than ours, so that these two have in double precision the room of single precision.
pub fn network_output(layout: Layout, run: Arithmetic) -> Tolerance {
    match (layout, run) {
        (Layout::Dit | Layout::Ermongroup, _) | (_, Arithmetic::F32) => Tolerance::absolute(2e-5),
        (_, Arithmetic::F64) => Tolerance::absolute(5e-6),
    }
}
/// The mean squared error of such an output.
pub const NETWORK_LOSS: Tolerance = Tolerance::relative(1e-5);
/// The length of a gradient; a bias just before a normalisation of its channel has one of rounding errors only.
pub const GRADIENT_NORM: Tolerance = Tolerance::new(1e-7, 1e-4, 0.0);
/// Entries of a gradient whose length is `norm`.
pub fn gradient(norm: f64) -> Tolerance {
    Tolerance::absolute(GRADIENT_NORM.relative * norm + GRADIENT_NORM.absolute)
}
/// Sines and cosines of time labels, whose arguments near 1000 are rounded to 6e-5 in single precision.
pub const SINUSOIDS: Tolerance = Tolerance::absolute(1e-4);

/// Frechet distance where both covariances have full rank.
pub const FRECHET: Tolerance = Tolerance::relative(1e-8);
/// Frechet distance where a covariance has lost rank and eigenvalues near 0 enter through their roots.
pub const FRECHET_RANK_DEFICIENT: Tolerance = Tolerance::relative(1e-5);
/// Frechet distance whose published mean was taken in single precision.
pub const FRECHET_OF_SINGLE_MEAN: Tolerance = Tolerance::relative(1e-6);
/// Frechet distance of features from themselves: nothing but rounding.
pub const FRECHET_OF_ITSELF: Tolerance = Tolerance::absolute(1e-4);
/// Inception score; its spread over splits may be 0.
pub const INCEPTION_SCORE: Tolerance = Tolerance::new(1e-9, 1e-9, 0.0);
