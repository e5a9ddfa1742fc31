//! The grid of Karras, Aittala, Aila and Laine.

use super::sigmas::{check_positive, check_range};
use super::{Grid, GridError};
use crate::chain::linspace;

impl Grid {
    /// `steps` sigmas from `sigma_max` down to `sigma_min`, evenly spaced in `sigma^(1/rho)`; then the data.
    ///
    /// Levels are in EDM coordinates and labelled with sigma. The paper's values are 0.002, 80 and 7. One
    /// step is `sigma_max`; the ends are exact (the authors' code reaches them up to rounding).
    /// Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, eq. 5.
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::Range`] unless `0 < sigma_min < sigma_max`,
    /// [`GridError::Parameter`] unless `rho` is positive.
    pub fn karras(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Self, GridError> {
        check_range(sigma_min, sigma_max, steps)?;
        Grid::of_sigmas(karras_sigmas(steps, sigma_min, sigma_max, rho)?)
    }
}

/// The sigmas of a Karras grid, largest first; the caller has checked the range.
pub(crate) fn karras_sigmas(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Vec<f64>, GridError> {
    check_positive("rho", rho)?;
    let roots = linspace(sigma_max.powf(1.0 / rho), sigma_min.powf(1.0 / rho), steps);
    let exact = |(step, root): (usize, f64)| match step {
        0 => sigma_max,
        _ if step + 1 == steps => sigma_min,
        _ => root.powf(rho),
    };
    Ok(roots.enumerate().map(exact).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digits computed independently in double precision from the paper's formula.
    #[test]
    fn the_eighteen_steps_of_the_paper() {
        let published = [
            80.0,
            57.58598472,
            40.78557380,
            28.37458460,
            19.35245298,
            12.91008238,
            8.40093531,
            5.31519452,
            3.25682152,
            1.92333984,
            1.08817064,
            0.58534812,
            0.29644228,
            0.13951647,
            0.05994731,
            0.02293452,
            0.00752802,
            0.002,
        ];
        let grid = Grid::karras(18, 0.002, 80.0, 7.0).unwrap();
        for (level, sigma) in grid.levels().zip(published) {
            assert!((level.sigma() - sigma).abs() < 6e-9, "{} is not {sigma}", level.sigma());
        }
        assert_eq!((grid.steps(), grid.end()), (18, None));
        assert_eq!(grid.spans()[17].from().sigma(), 0.002);
    }

    #[test]
    fn one_step_starts_at_the_top_and_nonsense_is_refused() {
        assert_eq!(Grid::karras(1, 0.002, 80.0, 7.0).unwrap().start().sigma(), 80.0);
        assert_eq!(Grid::karras(0, 0.002, 80.0, 7.0), Err(GridError::Empty));
        assert!(matches!(Grid::karras(5, 80.0, 0.002, 7.0), Err(GridError::Range { .. })));
        assert!(matches!(Grid::karras(1, 80.0, 0.002, 7.0), Err(GridError::Range { .. })));
        assert!(matches!(Grid::karras(5, 0.0, 80.0, 7.0), Err(GridError::Range { .. })));
        assert!(matches!(Grid::karras(5, 0.002, f64::INFINITY, 7.0), Err(GridError::Range { .. })));
        assert!(matches!(Grid::karras(5, 0.002, 80.0, 0.0), Err(GridError::Parameter { name: "rho", .. })));
    }
}
