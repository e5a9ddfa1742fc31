//! The noise levels that EDM's losses train on.
//!
//! They are labelled as the grids of `undrift-schedules` label the same process, so that a network meets in sampling
//! the labels of its training.

use undrift_schedules::{Level, LevelError};

/// `ln sigma ~ N(p_mean, p_std^2)`: EDM's own noise levels (Karras et al. 2022, arXiv:2206.00364, table 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// Mean of `ln sigma`.
    pub p_mean: f64,
    /// Standard deviation of `ln sigma`.
    pub p_std: f64,
}

impl LogNormal {
    /// The authors' constants, -1.2 and 1.2.
    pub const EDM: LogNormal = LogNormal { p_mean: -1.2, p_std: 1.2 };

    /// The level of a standard normal number: `sigma = exp(p_mean + p_std normal)`, labelled with sigma.
    ///
    /// # Errors
    /// [`LevelError::Sigma`] where that is no usable sigma.
    pub fn level(&self, normal: f64) -> Result<Level, LevelError> {
        let sigma = (normal * self.p_std + self.p_mean).exp();
        Level::edm(sigma, sigma)
    }
}

/// A time uniform in `(epsilon, 1]` of the continuous VP process,
/// `sigma(t)^2 = exp(beta_d t^2 / 2 + beta_min t) - 1` (Karras et al. 2022, arXiv:2206.00364, table 1, column VP).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContinuousVp {
    /// How much beta grows from time 0 to 1.
    pub beta_d: f64,
    /// beta at time 0.
    pub beta_min: f64,
    /// The least time.
    pub epsilon: f64,
}

impl ContinuousVp {
    /// The authors' constants: 19.9, 0.1 and 1e-5.
    pub const EDM: ContinuousVp = ContinuousVp { beta_d: 19.9, beta_min: 0.1, epsilon: 1e-5 };

    /// The level of a number uniform in `[0, 1)`, which is that of time `1 - uniform (1 - epsilon)` and labelled
    /// with it.
    ///
    /// # Errors
    /// [`LevelError::Sigma`] where there is no usable sigma.
    pub fn level(&self, uniform: f64) -> Result<Level, LevelError> {
        let t = 1.0 + uniform * (self.epsilon - 1.0);
        Level::edm((0.5 * self.beta_d * t * t + self.beta_min * t).exp_m1().sqrt(), t)
    }
}

/// `ln sigma` uniform between two sigmas (Karras et al. 2022, arXiv:2206.00364, table 1, column VE).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogUniform {
    /// The least sigma.
    pub sigma_min: f64,
    /// The greatest sigma.
    pub sigma_max: f64,
}

impl LogUniform {
    /// The authors' constants, 0.02 and 100.
    pub const EDM: LogUniform = LogUniform { sigma_min: 0.02, sigma_max: 100.0 };

    /// The level of a number uniform in `[0, 1)`: `sigma_min (sigma_max / sigma_min)^uniform`, labelled with
    /// sigma.
    ///
    /// # Errors
    /// [`LevelError::Sigma`] where that is no usable sigma.
    pub fn level(&self, uniform: f64) -> Result<Level, LevelError> {
        let sigma = self.sigma_min * (self.sigma_max / self.sigma_min).powf(uniform);
        Level::edm(sigma, sigma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use undrift_schedules::Grid;

    fn sigma(level: Result<Level, LevelError>) -> f64 {
        level.expect("usable").sigma()
    }

    #[test]
    fn the_constants_of_table_1() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12 * b, "{a} {b}");
        close(sigma(LogNormal::EDM.level(0.0)), 0.301_194_211_912_202_1);
        close(sigma(LogNormal::EDM.level(1.5)), 1.822_118_800_390_509);
        // exp(19.9 / 2 + 0.1) - 1 at time 1.
        close(sigma(ContinuousVp::EDM.level(0.0)), 152.16697028394654);
        close(sigma(LogUniform::EDM.level(0.0)), 0.02);
        close(sigma(LogUniform::EDM.level(0.5)), 2.0_f64.sqrt());
    }

    #[test]
    fn the_least_time_keeps_its_digits() {
        let found = sigma(ContinuousVp::EDM.level(1.0 - f64::EPSILON / 2.0));
        let exponent: f64 = 0.5 * 19.9 * 1e-10 + 1e-6;
        let expected = (exponent + exponent * exponent / 2.0).sqrt();
        assert!((found - expected).abs() < 1e-9 * expected, "{found} {expected}");
    }

    #[test]
    fn levels_are_unscaled_and_labelled() {
        for level in [LogNormal::EDM.level(0.3), LogUniform::EDM.level(0.3)].map(|level| level.expect("usable")) {
            assert_eq!((level.signal(), level.time()), (1.0, level.sigma()));
        }
        let same = Grid::vp_continuous(2, 19.9, 0.1, 0.5).expect("valid").levels().nth(1).expect("two");
        assert_eq!(ContinuousVp { epsilon: 0.0, ..ContinuousVp::EDM }.level(0.5), Ok(same));
        assert!(matches!(LogNormal::EDM.level(1e3), Err(LevelError::Sigma { .. })));
        assert!(LogNormal::EDM.level(f64::NAN).is_err());
    }
}
