//! A sigma grid of the EDM authors' code (NVlabs/edm).

use crate::GridError;
use crate::grid::improved_ddpm_sigmas;

/// The sigmas of [`Grid::improved_ddpm`](crate::Grid::improved_ddpm) with alpha_bar in f32, as in the authors' code.
///
/// Largest first. The smallest sigma differs by 5e-4 of its value from the f64 one. The peer's f32 sine is not
/// quite ours, so that its own sigmas are met to about 1e-6.
///
/// # Errors
/// As [`Grid::improved_ddpm`](crate::Grid::improved_ddpm).
pub fn edm_iddpm_sigmas(
    steps: usize,
    range: (f64, f64),
    count: usize,
    c1: f64,
    c2: f64,
) -> Result<Vec<f64>, GridError> {
    let quarter_turn = (0.5 * std::f64::consts::PI) as f32;
    let alpha_bar = |j: usize| (quarter_turn * j as f32 / count as f32 / (c2 + 1.0) as f32).sin().powi(2);
    let ratios = (1..=count).rev().map(|j| f64::from(alpha_bar(j - 1) / alpha_bar(j)));
    improved_ddpm_sigmas(steps, range, (f64::from(c1 as f32), c2), ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_precision_moves_the_smallest_sigma() {
        let single = edm_iddpm_sigmas(18, (0.002, 81.0), 1000, 0.001, 0.008).unwrap();
        let double = crate::Grid::improved_ddpm(18, (0.002, 81.0), 1000, 0.001, 0.008).unwrap();
        let gaps: Vec<f64> = single.iter().zip(double.levels()).map(|(a, b)| (a / b.sigma() - 1.0).abs()).collect();
        assert!(gaps[0] < 1e-6 && (1e-4..1e-3).contains(&gaps[17]));
    }

    #[test]
    fn nonsense_is_refused() {
        let of = |steps, range, c1, c2| edm_iddpm_sigmas(steps, range, 1000, c1, c2);
        assert_eq!(of(0, (0.002, 81.0), 0.001, 0.008), Err(GridError::Empty));
        assert_eq!(of(0, (1e-9, 2e-9), 0.001, 0.008), Err(GridError::Empty)); // a range that holds no sigma
        assert!(matches!(of(1, (1e-9, 2e-9), 0.001, 0.008), Err(GridError::TooManySteps { steps: 1, len: 0 })));
        assert_eq!(edm_iddpm_sigmas(0, (0.002, 81.0), 0, 0.001, 0.008), Err(GridError::Empty));
        assert!(matches!(of(5, (81.0, 0.002), 0.001, 0.008), Err(GridError::Range { .. })));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(of(5, (0.002, 81.0), bad, 0.008), Err(GridError::Parameter { name: "c1", .. })));
            assert!(matches!(of(5, (0.002, 81.0), 0.001, bad), Err(GridError::Parameter { name: "c2", .. })));
        }
        assert!(matches!(of(5, (0.002, 81.0), 0.001, 1e30), Err(GridError::Level(_))));
    }
}
