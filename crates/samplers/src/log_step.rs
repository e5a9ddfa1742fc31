//! Steps in log(signal / noise), exact for an x0 that does not change on the way.

use burn::tensor::Tensor;
use undrift_denoisers::Prediction;
use undrift_schedules::Level;

/// A step of length `h` in lambda = ln(signal / noise) (Lu et al. 2022, arXiv:2211.01095).
#[derive(Clone, Copy, Debug)]
pub struct LogStep {
    from: Level,
    to: Level,
    h: f64,
}

impl LogStep {
    /// The step from one level to a less noisy one.
    pub fn new(from: Level, to: Level) -> Self {
        LogStep { from, to, h: from.sigma().ln() - to.sigma().ln() }
    }

    /// Its length, `lambda_to - lambda_from`; positive, infinite from pure noise.
    pub fn h(self) -> f64 {
        self.h
    }

    /// `(noise' / noise) x + signal' (1 - e^-h) x0`, in the coordinates of the two levels.
    ///
    /// Lu et al. 2022, arXiv:2211.01095: the exact solution where x0 does not change.
    ///
    /// # Shapes
    /// `x`, `x0` and the result have one shape.
    pub fn carry<const D: usize>(self, x: Tensor<D>, x0: Tensor<D>) -> Tensor<D> {
        x * (self.to.noise() / self.from.noise()) + x0 * (-self.to.signal() * (-self.h).exp_m1())
    }
}

/// The level and the x0 of a past prediction, which a sampler made for a whole batch at one level.
pub fn known<const D: usize>(past: Option<&Prediction<D>>) -> Option<(Level, Tensor<D>)> {
    let past = past?;
    Some((past.at().of(0)?, past.x0()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{gap, tensor};

    #[test]
    fn a_point_is_followed_exactly_in_both_coordinates() {
        let (x0, eps) = (tensor(vec![0.7, -0.4], [1, 2]), tensor(vec![1.3, 0.2], [1, 2]));
        let at = |level: Level| x0.clone() * level.signal() + eps.clone() * level.noise();
        let vp = [0.1, 0.6].map(|alpha_bar| Level::vp(alpha_bar, 0.0).expect("valid"));
        for [from, to] in [vp, vp.map(|level| level.unscaled().expect("has signal"))] {
            let step = LogStep::new(from, to);
            assert!((step.h - (3.0 * 1.5f64.sqrt()).ln()).abs() < 1e-15, "{}", step.h);
            assert!(gap(&step.carry(at(from), x0.clone()), &at(to)) < 1e-15);
        }
    }

    #[test]
    fn from_pure_noise_h_is_infinite_and_the_step_is_not() {
        let (from, to) = (Level::vp(0.0, 1.0).expect("valid"), Level::vp(0.36, 0.0).expect("valid"));
        let step = LogStep::new(from, to);
        assert_eq!(step.h, f64::INFINITY);
        let ended = step.carry(tensor(vec![1.5], [1, 1]), tensor(vec![-0.5], [1, 1]));
        assert!(gap(&ended, &tensor(vec![0.8 * 1.5 - 0.6 * 0.5], [1, 1])) < 1e-15);
    }
}
