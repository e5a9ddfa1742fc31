//! A Karras grid over the sigmas of a chain.

use super::{Chain, Labels};
use crate::grid::{check_range, karras_sigmas};
use crate::{Grid, GridError, Level};

impl Chain {
    /// A Karras grid from the chain's largest sigma to its smallest, labelled as the chain's network expects.
    ///
    /// `rho` (7 in the paper) bends the grid towards small sigmas. The levels are in VP coordinates
    /// ([`Grid::unscaled`] gives EDM's); unlike respaced levels they lie between the chain's own, so labels are
    /// interpolated in log sigma, or rounded, as in diffusers' Euler and DPM-Solver++ schedulers respectively.
    /// Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, eq. 5.
    ///
    /// # Errors
    /// [`GridError::PureNoise`] if the chain's last sigma is infinite, [`GridError::Unlabelled`] if f64 puts one
    /// of the sigmas outside of the chain's; otherwise as [`Grid::karras`] (a chain of one level has no range, and
    /// one step of it is that level).
    pub fn karras(&self, steps: usize, rho: f64, labels: Labels) -> Result<Grid, GridError> {
        if self.last().is_pure_noise() {
            return Err(GridError::PureNoise);
        }
        let (sigma_min, sigma_max) = (self.levels[0].sigma(), self.last().sigma());
        if (steps, self.len()) != (1, 1) {
            check_range(sigma_min, sigma_max, steps)?;
        }
        let sigmas = karras_sigmas(steps, sigma_min, sigma_max, rho)?;
        let level = |&sigma: &f64| match self.label_of(sigma, labels) {
            Some(label) => Ok(Level::vp_of_sigma(sigma, label)?),
            None => Err(GridError::Unlabelled { sigma, sigma_min, sigma_max }),
        };
        Grid::new(sigmas.iter().map(level).collect::<Result<Vec<Level>, GridError>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_over_the_whole_chain_with_its_labels() {
        let chain = Chain::linear(1000).unwrap();
        for labels in [Labels::Interpolated, Labels::Rounded] {
            let grid = chain.karras(20, 7.0, labels).unwrap();
            let times: Vec<f64> = grid.levels().map(Level::time).collect();
            assert_eq!((grid.steps(), times[0], times[19]), (20, 999.0, 0.0));
            assert!(times.windows(2).all(|pair| pair[0] > pair[1]));
            assert_eq!(times.iter().all(|time| time.fract() == 0.0), labels == Labels::Rounded);
            assert!((grid.start().sigma() / chain.last().sigma() - 1.0).abs() < 1e-13);
            assert!(grid.levels().all(|level| level.scale() == 1.0));
        }
    }

    #[test]
    fn one_level_or_one_step_starts_at_the_top() {
        let (single, chain) = (Chain::linear(1).unwrap(), Chain::linear(1000).unwrap());
        for labels in [Labels::Interpolated, Labels::Rounded] {
            for (chain, label) in [(&single, 0.0), (&chain, 999.0)] {
                let start = chain.karras(1, 7.0, labels).unwrap().start();
                assert!((start.sigma() / chain.last().sigma() - 1.0).abs() < 1e-13);
                assert_eq!(start.time(), label);
                assert!(chain.karras(0, 7.0, labels).is_err());
            }
            assert!(matches!(single.karras(2, 7.0, labels), Err(GridError::Range { .. })));
        }
    }

    #[test]
    fn a_sigma_that_the_chain_does_not_reach_is_named() {
        let overflown = Chain::linear(1000).unwrap().karras(5, 1e-3, Labels::Rounded); // sigma^1000
        assert!(matches!(overflown, Err(GridError::Unlabelled { sigma, .. }) if sigma.is_nan()), "{overflown:?}");
    }

    #[test]
    fn a_chain_that_ends_in_pure_noise_has_no_sigma_grid() {
        assert_eq!(Chain::jsd(10).unwrap().karras(5, 7.0, Labels::Rounded), Err(GridError::PureNoise));
    }
}
