//! The cosine schedule of improved DDPM.

use super::{Chain, ChainError};

impl Chain {
    /// Betas from a squared cosine in alpha_bar with offset 0.008, capped at 0.999.
    ///
    /// Nichol, Dhariwal 2021, arXiv:2102.09672, eq. 17.
    ///
    /// # Errors
    /// [`ChainError::Empty`] for `T = 0`.
    pub fn cosine(len: usize) -> Result<Self, ChainError> {
        Chain::cosine_with(len, 0.008, 0.999)
    }

    /// `beta_t = min(1 - f(t/T) / f((t-1)/T), cap)` with `f(u) = cos^2((u + offset) / (1 + offset) pi / 2)`.
    ///
    /// `offset` (not negative) keeps the first betas away from 0, `cap` in `(0, 1)` keeps signal in the last
    /// level: without it the last beta would be 1. Nichol, Dhariwal 2021, arXiv:2102.09672, eq. 17.
    ///
    /// # Errors
    /// [`ChainError::Parameter`] for an offset or cap out of range, [`ChainError::Empty`] for `T = 0`.
    pub fn cosine_with(len: usize, offset: f64, cap: f64) -> Result<Self, ChainError> {
        if !(offset >= 0.0 && offset.is_finite()) {
            return Err(ChainError::Parameter { name: "offset", value: offset, must: "finite and not negative" });
        }
        check_cap(cap)?;
        let angle = |index: usize| (index as f64 / len as f64 + offset) / (1.0 + offset) * std::f64::consts::PI / 2.0;
        let f = |index: usize| angle(index).cos().powi(2);
        Chain::from_betas((0..len).map(|index| capped(1.0 - f(index + 1) / f(index), cap)))
    }
}

/// A cap on betas must leave some signal, and must allow some noise.
pub(super) fn check_cap(cap: f64) -> Result<(), ChainError> {
    if cap > 0.0 && cap < 1.0 {
        Ok(())
    } else {
        Err(ChainError::Parameter { name: "cap", value: cap, must: "in (0, 1)" })
    }
}

/// `beta`, or `cap` if that is less; no number stays no number, for the chain to refuse (`f64::min` would hide it).
pub(crate) fn capped(beta: f64, cap: f64) -> f64 {
    if beta > cap { cap } else { beta }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64, relative: f64) {
        assert!((value / expected - 1.0).abs() < relative, "{value} is not {expected}");
    }

    #[test]
    fn the_published_schedule_has_these_digits() {
        let chain = Chain::cosine(1000).unwrap();
        near(chain.betas()[0], 4.12842e-5, 2e-6);
        near(chain.betas()[500], 3.15569e-3, 2e-6);
        near(chain.level(501).unwrap().alpha_bar(), 0.492285, 1e-6);
        near(chain.last().alpha_bar(), 2.42877e-9, 2e-6);
        assert_eq!(chain.betas().iter().filter(|&&beta| beta == 0.999).count(), 1);
        assert_eq!(chain.betas()[999], 0.999);
        let long = Chain::cosine(4000).unwrap();
        near(long.betas()[0], 9.86582e-6, 1e-6);
        near(long.last().alpha_bar(), 1.518e-10, 1e-4);
    }

    #[test]
    fn a_cap_does_not_stand_in_for_no_number() {
        assert_eq!((capped(0.5, 0.9), capped(1.0, 0.9)), (0.5, 0.9));
        assert!(capped(f64::NAN, 0.9).is_nan());
    }

    #[test]
    fn offset_and_cap_out_of_range_are_refused() {
        for offset in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(Chain::cosine_with(10, offset, 0.999), Err(ChainError::Parameter { name: "offset", .. })));
        }
        for cap in [0.0, 1.0, f64::NAN] {
            assert!(matches!(Chain::cosine_with(10, 0.008, cap), Err(ChainError::Parameter { name: "cap", .. })));
        }
        assert_eq!(Chain::cosine(0), Err(ChainError::Empty));
    }
}
