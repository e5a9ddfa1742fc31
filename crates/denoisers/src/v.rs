//! The v parameterisation.

use undrift_schedules::Level;

use crate::{DenoiseError, Parameterisation};

/// The output is `v = signal * eps - noise * x0` of a variance-preserving level
/// (Salimans and Ho 2022, arXiv:2202.00512, section 4).
///
/// In other coordinates `signal` and `noise` are those of the same level with scale 1. Right at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct V;

impl Parameterisation for V {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let scale = at.scale();
        Ok((at.signal() / scale / scale, -at.noise() / scale))
    }

    fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let scale = at.scale();
        Ok((at.noise() / scale / scale, at.signal() / scale))
    }

    fn target_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let scale = at.scale();
        Ok((-at.noise() / scale, at.signal() / scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_turns_x_by_a_quarter() {
        let level = Level::vp(0.64, 3.0).expect("valid");
        for (found, expected) in
            [(V.x0_of(level), (0.8, -0.6)), (V.eps_of(level), (0.6, 0.8)), (V.target_of(level), (-0.6, 0.8))]
        {
            let (a, b) = found.expect("every level");
            assert!((a - expected.0).abs() < 1e-15 && (b - expected.1).abs() < 1e-15, "{a} {b}");
        }
    }

    #[test]
    fn without_signal_v_is_the_negative_of_the_data() {
        let last = Level::vp(0.0, 9.0).expect("signal 0 is a level");
        assert_eq!(V.x0_of(last), Ok((0.0, -1.0)));
        assert_eq!(V.eps_of(last), Ok((1.0, 0.0)));
    }
}
