//! Two schedules named after the sigmoid, which have nothing else in common.

use super::cosine::{capped, check_cap};
use super::{Chain, ChainError, linspace};

impl Chain {
    /// Betas along a sigmoid: `start + (end - start) / (1 + e^-u)` for `u` from -6 to 6.
    ///
    /// From the code of Song, Meng, Ermon 2020, arXiv:2010.02502. It does not quite reach its ends.
    ///
    /// # Errors
    /// As [`Chain::linear_between`].
    pub fn sigmoid(len: usize, start: f64, end: f64) -> Result<Self, ChainError> {
        Chain::from_betas(linspace(-6.0, 6.0, len).map(|u| logistic(u) * (end - start) + start))
    }

    /// alpha_bar along a falling sigmoid over `u` from `start` to `end` at temperature `tau`, betas capped.
    ///
    /// Jabri, Fleet, Chen 2022, arXiv:2212.11972, algorithm 1; usual values are -3, 3, 1 and a cap of 0.999.
    ///
    /// # Errors
    /// [`ChainError::Parameter`] unless `start < end`, `tau > 0` and the cap is in `(0, 1)`; otherwise as
    /// [`Chain::from_betas`], where beta is no number (0/0) if the sigmoid is flat in f64: `tau` far above
    /// `end - start`, or `end` several hundred `tau`.
    pub fn sigmoid_alpha_bar(len: usize, start: f64, end: f64, tau: f64, cap: f64) -> Result<Self, ChainError> {
        if !(tau > 0.0 && tau.is_finite()) {
            return Err(ChainError::Parameter { name: "tau", value: tau, must: "positive and finite" });
        }
        if !(start < end && (end - start).is_finite()) {
            return Err(ChainError::Parameter { name: "start", value: start, must: "less than end, both finite" });
        }
        check_cap(cap)?;
        let (high, low) = (logistic(-start / tau), logistic(-end / tau));
        let at = |index: usize| start + (end - start) * index as f64 / len as f64;
        let alpha_bar = |index: usize| (logistic(-at(index) / tau) - low) / (high - low);
        Chain::from_betas((0..len).map(|index| capped(1.0 - alpha_bar(index + 1) / alpha_bar(index), cap)))
    }
}

pub(crate) fn logistic(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beta_sigmoid_is_symmetric_about_the_middle() {
        let chain = Chain::sigmoid(1000, 1e-4, 0.02).unwrap();
        assert!((chain.betas()[0] / 1.4920520081703202e-4 - 1.0).abs() < 1e-12);
        for (low, high) in chain.betas().iter().zip(chain.betas().iter().rev()) {
            assert!((low + high - 0.0201).abs() < 1e-15);
        }
    }

    #[test]
    fn the_alpha_bar_sigmoid_is_half_way_in_the_middle() {
        let chain = Chain::sigmoid_alpha_bar(1000, -3.0, 3.0, 1.0, 0.999).unwrap();
        assert!((chain.level(500).unwrap().alpha_bar() - 0.5).abs() < 1e-12);
        assert_eq!(chain.betas()[999], 0.999);
        let sharp = Chain::sigmoid_alpha_bar(1000, -3.0, 3.0, 0.5, 0.999).unwrap();
        assert!(sharp.level(250).unwrap().alpha_bar() > chain.level(250).unwrap().alpha_bar());
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let of = |start, end, tau, cap| Chain::sigmoid_alpha_bar(10, start, end, tau, cap);
        assert!(matches!(of(3.0, -3.0, 1.0, 0.999), Err(ChainError::Parameter { name: "start", .. })));
        assert!(matches!(of(-3.0, 3.0, 0.0, 0.999), Err(ChainError::Parameter { name: "tau", .. })));
        assert!(matches!(of(-3.0, 3.0, 1.0, 1.0), Err(ChainError::Parameter { name: "cap", .. })));
    }

    #[test]
    fn a_sigmoid_that_is_flat_in_f64_is_refused_and_not_capped() {
        for (end, tau, flat_from) in [(3.0, 1e300, 1), (2000.0, 1.0, 5)] {
            let refused = Chain::sigmoid_alpha_bar(10, -3.0, end, tau, 0.999);
            let Err(ChainError::BetaOutOfRange { t, len: 10, beta }) = refused else { panic!("{refused:?}") };
            assert!((t, beta.is_nan()) == (flat_from, true), "beta {beta} at t = {t}");
        }
    }
}
