//! Rescaling a chain so that it ends in pure noise.

use super::{Chain, ChainError};

impl Chain {
    /// The chain with `sqrt(alpha_bar)` shifted to 0 at `t = T` and stretched to keep its value at `t = 1`.
    ///
    /// The last beta is exactly 1 and the last level has signal 0, where eps says nothing about `x0`. Labels
    /// are kept. Lin, Liu, Li, Yang 2023, arXiv:2305.08891, algorithm 1.
    ///
    /// # Errors
    /// [`ChainError::Parameter`] for a chain of one level, which cannot keep its first value and end at 0.
    pub fn zero_terminal_snr(&self) -> Result<Chain, ChainError> {
        let (first, last) = (self.levels[0].signal(), self.last().signal());
        if self.len() < 2 {
            return Err(ChainError::Parameter {
                name: "T",
                value: 1.0,
                must: "at least 2 to be rescaled to zero terminal SNR",
            });
        }
        let alpha_bar = |index: usize| ((self.levels[index].signal() - last) * (first / (first - last))).powi(2);
        let kept = |index: usize| if index == 0 { alpha_bar(0) } else { alpha_bar(index) / alpha_bar(index - 1) };
        let chain = Chain::from_betas((0..self.len()).map(|index| 1.0 - kept(index)))?;
        chain.with_times(|t| self.levels[t - 1].time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_in_pure_noise_and_keeps_the_first_level() {
        let chain = Chain::linear(1000).unwrap().with_times(|t| 2.0 * t as f64).unwrap();
        let rescaled = chain.zero_terminal_snr().unwrap();
        assert!(rescaled.last().is_pure_noise() && rescaled.betas()[999] == 1.0);
        assert!((rescaled.level(1).unwrap().alpha_bar() - 0.9999).abs() < 1e-15);
        assert_eq!(rescaled.last().time(), 2000.0);
        let (before, after) = (chain.level(500).unwrap().signal(), rescaled.level(500).unwrap().signal());
        assert!(after < before && after > before - chain.last().signal());
    }

    #[test]
    fn rescaling_twice_changes_nothing_more() {
        let once = Chain::cosine(50).unwrap().zero_terminal_snr().unwrap();
        let twice = once.zero_terminal_snr().unwrap();
        for (a, b) in once.levels().iter().zip(twice.levels()) {
            assert!((a.alpha_bar() - b.alpha_bar()).abs() < 1e-14);
        }
    }

    #[test]
    fn a_single_level_cannot_be_rescaled() {
        assert!(Chain::linear(1).unwrap().zero_terminal_snr().is_err());
    }
}
