//! The x0 parameterisation.

use undrift_schedules::Level;

use crate::{DenoiseError, Parameterisation};

/// The output is the clean data itself (Ho et al. 2020, arXiv:2006.11239, section 3.2). Right at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct X0;

impl Parameterisation for X0 {
    fn x0_of(&self, _at: Level) -> Result<(f64, f64), DenoiseError> {
        Ok((0.0, 1.0))
    }

    fn target_of(&self, _at: Level) -> Result<(f64, f64), DenoiseError> {
        Ok((1.0, 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eps_is_what_is_left_of_x() {
        let level = Level::vp(0.64, 3.0).expect("valid");
        let (a, b) = X0.eps_of(level).expect("every level");
        assert!((a - 1.0 / 0.6).abs() < 1e-15 && (b + 0.8 / 0.6).abs() < 1e-15, "{a} {b}");
    }

    #[test]
    fn without_signal_eps_is_x() {
        let last = Level::vp(0.0, 9.0).expect("signal 0 is a level");
        assert_eq!(X0.eps_of(last), Ok((1.0, 0.0)));
    }
}
