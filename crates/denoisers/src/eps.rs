//! The eps parameterisation.

use undrift_schedules::Level;

use crate::{DenoiseError, Parameterisation};

/// The output is the noise: `x = signal * x0 + noise * eps` (Ho et al. 2020, arXiv:2006.11239, eq. 11).
///
/// At a level without signal eps is all of `x` and determines no x0: an error there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Eps;

impl Parameterisation for Eps {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        if at.is_pure_noise() {
            return Err(DenoiseError::NoSignal { time: at.time() });
        }
        Ok((1.0 / at.signal(), -at.noise() / at.signal()))
    }

    fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.x0_of(at).map(|_| (0.0, 1.0))
    }

    fn target_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.x0_of(at).map(|_| (0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_of_pure_noise_says_nothing_about_the_data() {
        let last = Level::vp(0.0, 41.0).expect("signal 0 is a level");
        let error = Eps.x0_of(last).unwrap_err();
        assert_eq!(error, DenoiseError::NoSignal { time: 41.0 });
        assert!(error.to_string().contains("41") && error.to_string().contains("x0 or v model"));
        assert_eq!(Eps.target_of(last), Err(error.clone()));
        assert_eq!(Eps.eps_of(last), Err(error));
    }

    #[test]
    fn the_first_level_of_the_linear_chain() {
        // alpha_bar_1 = 0.9999: x0 = (x - 0.01 eps) / sqrt(0.9999).
        let (a, b) = Eps.x0_of(Level::vp(0.9999, 0.0).expect("valid")).expect("has signal");
        assert!((a - 1.000_050_003_750_312_5).abs() < 1e-13, "{a}");
        assert!((b + 0.010_000_500_037_503_1).abs() < 1e-13, "{b}");
    }
}
