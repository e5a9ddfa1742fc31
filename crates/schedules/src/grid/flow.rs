//! The grid of rectified flow.

use super::sigmas::check_positive;
use super::{Grid, GridError};
use crate::Level;

impl Grid {
    /// `steps` levels of rectified flow whose `t` is even from 1 down to `1 / steps`, shifted towards the noise; then the
    /// data.
    ///
    /// `t` becomes `shift t / (1 + (shift - 1) t)`: Stable Diffusion 3's shift for images of more values, with the root
    /// of their ratio (Esser et al. 2024, arXiv:2403.03206, eq. 23; 3 is their choice). 1 shifts nothing: the even steps
    /// of Liu, Gong, Liu 2022, arXiv:2209.03003. Levels are labelled with the shifted `t`.
    ///
    /// The first level is pure noise, which solvers in sigma do not start at; [`Grid::starting_at`] gives the rest.
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::Parameter`] unless `shift` is positive and finite,
    /// [`GridError::Level`] or [`GridError::NotDecreasing`] where f64 cannot tell two shifted levels apart.
    pub fn flow(steps: usize, shift: f64) -> Result<Self, GridError> {
        check_positive("shift", shift)?;
        let shifted = |t: f64| shift * t / (1.0 + (shift - 1.0) * t);
        let even = (1..=steps).rev().map(|i| i as f64 / steps as f64);
        let level = |t: f64| if t == 1.0 { Level::flow(1.0) } else { Level::flow(shifted(t)) };
        Grid::new(even.map(level).collect::<Result<Vec<Level>, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(steps: usize, shift: f64) -> Vec<f64> {
        Grid::flow(steps, shift).expect("valid").levels().map(Level::time).collect()
    }

    #[test]
    fn without_a_shift_the_times_are_even_and_with_one_those_of_the_papers_formula() {
        assert_eq!(times(4, 1.0), [1.0, 0.75, 0.5, 0.25]);
        // 3 t / (1 + 2 t)
        let shifted = times(4, 3.0);
        let expected = [1.0, 0.9, 0.75, 0.5];
        assert!(shifted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{shifted:?}");
        assert_eq!(times(1, 3.0), [1.0]);
    }

    /// The shift multiplies sigma, wherever the step.
    #[test]
    fn the_shift_multiplies_sigma() {
        let (even, shifted) = (Grid::flow(10, 1.0).expect("valid"), Grid::flow(10, 2.5).expect("valid"));
        for (a, b) in even.levels().zip(shifted.levels()).skip(1) {
            assert!((b.sigma() / a.sigma() - 2.5).abs() < 1e-13);
        }
    }

    #[test]
    fn impossible_grids_are_refused() {
        assert_eq!(Grid::flow(0, 1.0), Err(GridError::Empty));
        for shift in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Grid::flow(4, shift), Err(GridError::Parameter { name: "shift", .. })));
        }
        assert!(Grid::flow(4, 1e300).is_err() && Grid::flow(4, 1e-300).is_err());
    }
}
