//! A Karras grid over the sigmas of a chain.

use super::{Chain, Labels};
use crate::grid::karras_sigmas;
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
    /// [`GridError::PureNoise`] if the chain's last sigma is infinite; otherwise as [`Grid::karras`].
    pub fn karras(&self, steps: usize, rho: f64, labels: Labels) -> Result<Grid, GridError> {
        if self.last().is_pure_noise() {
            return Err(GridError::PureNoise);
        }
        let sigmas = karras_sigmas(steps, self.levels[0].sigma(), self.last().sigma(), rho)?;
        let level = |&sigma: &f64| match self.label_of(sigma, labels) {
            Some(label) => Ok(Level::vp_of_sigma(sigma, label)?),
            None => Err(GridError::NotDecreasing { step: steps }),
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
    fn a_chain_that_ends_in_pure_noise_has_no_sigma_grid() {
        assert_eq!(Chain::jsd(10).unwrap().karras(5, 7.0, Labels::Rounded), Err(GridError::PureNoise));
    }
}
