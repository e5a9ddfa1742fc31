//! Grids of sigma other than Karras's, in EDM coordinates.

use super::{Grid, GridError};
use crate::chain::linspace;
use crate::{Level, LevelError};

impl Grid {
    /// A grid over the given noise-to-signal ratios, largest first, in EDM coordinates, labelled with sigma.
    ///
    /// # Errors
    /// [`GridError::Level`] for a sigma that is not positive and finite; otherwise as [`Grid::new`].
    pub fn of_sigmas(sigmas: impl IntoIterator<Item = f64>) -> Result<Self, GridError> {
        let levels = sigmas.into_iter().map(|sigma| Level::edm(sigma, sigma));
        Grid::new(levels.collect::<Result<Vec<Level>, _>>()?)
    }

    /// `steps` sigmas from `sigma_max` down to `sigma_min`, evenly spaced in their logarithm.
    ///
    /// This is also the variance-exploding discretisation of Karras et al. 2022, arXiv:2206.00364, table 1
    /// (0.02 and 100 there), and `get_sigmas_exponential` of Crowson's k-diffusion (2022).
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::Range`] unless `0 < sigma_min < sigma_max`.
    pub fn exponential(steps: usize, sigma_min: f64, sigma_max: f64) -> Result<Self, GridError> {
        check_range(sigma_min, sigma_max, steps)?;
        Grid::of_sigmas(linspace(sigma_max.ln(), sigma_min.ln(), steps).map(f64::exp))
    }

    /// `steps` sigmas whose logarithm falls from `sigma_max` to `sigma_min` along a power `rho` of a line.
    ///
    /// `get_sigmas_polyexponential` of Crowson's k-diffusion (2022); `rho = 1` is [`Grid::exponential`].
    ///
    /// # Errors
    /// As [`Grid::exponential`], and [`GridError::Parameter`] unless `rho` is positive.
    pub fn polyexponential(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Self, GridError> {
        check_positive("rho", rho)?;
        check_range(sigma_min, sigma_max, steps)?;
        let (low, high) = (sigma_min.ln(), sigma_max.ln());
        Grid::of_sigmas(linspace(1.0, 0.0, steps).map(|line| (line.powf(rho) * (high - low) + low).exp()))
    }

    /// The continuous VP process `beta(t) = beta_min + beta_d t` at `steps` even times from 1 down to `end`.
    ///
    /// Levels are in EDM coordinates and labelled with `t`; usual values are 19.9, 0.1 and an `end` of 0.001.
    /// Song et al. 2021, arXiv:2011.13456, eq. 11; Karras et al. 2022, arXiv:2206.00364, table 1.
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::Parameter`] unless all are positive and `end < 1`.
    pub fn vp_continuous(steps: usize, beta_d: f64, beta_min: f64, end: f64) -> Result<Self, GridError> {
        for (name, value) in [("beta_d", beta_d), ("beta_min", beta_min), ("end", end), ("1 - end", 1.0 - end)] {
            check_positive(name, value)?;
        }
        let sigma = |t: f64| (0.5 * beta_d * t * t + beta_min * t).exp_m1().sqrt();
        let levels = linspace(1.0, end, steps).map(|t| Level::edm(sigma(t), t));
        Grid::new(levels.collect::<Result<Vec<Level>, _>>()?)
    }

    /// `steps` of the `count` sigmas of improved DDPM's cosine process, evenly chosen within a range of sigma.
    ///
    /// `c1` (0.001) bounds the ratio of neighbouring alpha_bars from below, `c2` (0.008) is the cosine's offset,
    /// `count` is 1000 in the paper. Karras et al. 2022, arXiv:2206.00364, table 1 and appendix C.3.3. The authors'
    /// code computes alpha_bar in single precision, see [`edm_iddpm_sigmas`](crate::peers::edm_iddpm_sigmas).
    ///
    /// # Errors
    /// [`GridError::Range`] as [`Grid::exponential`], [`GridError::Parameter`] for `c1` or `c2` not positive,
    /// [`GridError::TooManySteps`] if the range holds fewer than `steps` of the sigmas, [`GridError::Level`] if one
    /// of all of them is no number (`c1` above 1, or `c2` so large that alpha_bar is 0 throughout).
    pub fn improved_ddpm(steps: usize, range: (f64, f64), count: usize, c1: f64, c2: f64) -> Result<Self, GridError> {
        let alpha_bar = |j: usize| (0.5 * std::f64::consts::PI * j as f64 / count as f64 / (c2 + 1.0)).sin().powi(2);
        let ratios = (1..=count).rev().map(|j| alpha_bar(j - 1) / alpha_bar(j));
        Grid::of_sigmas(improved_ddpm_sigmas(steps, range, (c1, c2), ratios)?)
    }
}

/// From ratios of neighbouring alpha_bars, the one next to the data first: sigmas in a range, evenly chosen.
///
/// `c1` bounds the ratios from below; `c2` has gone into them and is only checked.
pub(crate) fn improved_ddpm_sigmas(
    steps: usize,
    range: (f64, f64),
    (c1, c2): (f64, f64),
    ratios: impl Iterator<Item = f64>,
) -> Result<Vec<f64>, GridError> {
    check_positive("c1", c1)?;
    check_positive("c2", c2)?;
    check_range(range.0, range.1, steps)?;
    let mut held = climbed(c1, ratios)?;
    held.retain(|sigma| (range.0..=range.1).contains(sigma));
    held.reverse();
    if steps > held.len() {
        return Err(GridError::TooManySteps { steps, len: held.len() });
    }
    let stride = (held.len() - 1) as f64 / (steps - 1).max(1) as f64;
    Ok((0..steps).map(|step| held[(stride * step as f64).round_ties_even() as usize]).collect())
}

/// The sigmas that ratios of neighbouring alpha_bars, none taken below `c1`, climb to from the data.
fn climbed(c1: f64, ratios: impl Iterator<Item = f64>) -> Result<Vec<f64>, LevelError> {
    let mut sigma = 0.0f64;
    let climb = |ratio: f64| {
        let bounded = if ratio < c1 { c1 } else { ratio };
        sigma = ((sigma * sigma + 1.0) / bounded - 1.0).sqrt();
        if sigma.is_nan() { Err(LevelError::Sigma { sigma }) } else { Ok(sigma) }
    };
    ratios.map(climb).collect()
}

pub(super) fn check_positive(name: &'static str, value: f64) -> Result<(), GridError> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(GridError::Parameter { name, value }) }
}

pub(crate) fn check_range(sigma_min: f64, sigma_max: f64, steps: usize) -> Result<(), GridError> {
    if !(0.0 < sigma_min && sigma_min < sigma_max && sigma_max.is_finite()) {
        return Err(GridError::Range { sigma_min, sigma_max });
    }
    if steps == 0 { Err(GridError::Empty) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sigmas(grid: &Grid) -> Vec<f64> {
        grid.levels().map(Level::sigma).collect()
    }

    #[test]
    fn an_exponential_grid_has_a_constant_ratio() {
        let values = sigmas(&Grid::exponential(5, 0.01, 100.0).unwrap());
        for (value, expected) in values.iter().zip([100.0, 10.0, 1.0, 0.1, 0.01]) {
            assert!((value / expected - 1.0).abs() < 1e-13);
        }
        let same = sigmas(&Grid::polyexponential(5, 0.01, 100.0, 1.0).unwrap());
        assert!(values.iter().zip(same).all(|(a, b)| (a / b - 1.0).abs() < 1e-13));
        let bent = sigmas(&Grid::polyexponential(5, 0.01, 100.0, 2.0).unwrap());
        assert!((bent[2] / 0.1 - 1.0).abs() < 1e-13); // a quarter of the way up in log sigma
    }

    #[test]
    fn the_continuous_process_keeps_its_own_alpha_bar() {
        let grid = Grid::vp_continuous(9, 19.9, 0.1, 1e-3).unwrap();
        for level in grid.levels() {
            let t = level.time();
            let exact = (-(0.5 * 19.9 * t * t + 0.1 * t)).exp();
            assert!((level.alpha_bar() / exact - 1.0).abs() < 1e-13);
        }
        assert_eq!(grid.start().time(), 1.0);
    }

    #[test]
    fn the_cosine_process_of_edm_is_that_of_improved_ddpm() {
        let grid = Grid::improved_ddpm(18, (0.002, 81.0), 1000, 0.001, 0.008).unwrap();
        assert_eq!(grid.steps(), 18);
        let chain = crate::Chain::cosine_with(1000, 0.008, 0.999).unwrap();
        for sigma in sigmas(&grid) {
            assert!(chain.levels().iter().any(|level| (level.sigma() / sigma - 1.0).abs() < 1e-9), "{sigma}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Grid::exponential(0, 0.1, 1.0), Err(GridError::Empty));
        assert!(matches!(Grid::exponential(3, 1.0, 1.0), Err(GridError::Range { .. })));
        for (low, high) in [(0.0, 80.0), (-1.0, 80.0), (80.0, 0.02), (1.0, 1.0), (0.02, f64::INFINITY)] {
            let error = GridError::Range { sigma_min: low, sigma_max: high };
            assert_eq!(Grid::exponential(1, low, high), Err(error.clone()));
            assert_eq!(Grid::polyexponential(1, low, high, 1.0), Err(error.clone()));
            assert_eq!(Grid::karras(1, low, high, 7.0), Err(error.clone()));
            assert_eq!(Grid::improved_ddpm(1, (low, high), 1000, 0.001, 0.008), Err(error));
        }
        assert!(matches!(Grid::vp_continuous(3, 19.9, 0.1, 1.0), Err(GridError::Parameter { .. })));
        assert!(matches!(Grid::of_sigmas([1.0, 0.0]), Err(GridError::Level(_))));
        let crowded = Grid::improved_ddpm(99, (1.0, 1.1), 1000, 0.001, 0.008);
        assert!(matches!(crowded, Err(GridError::TooManySteps { steps: 99, .. })));
        for (c1, c2) in [(2.0, 0.008), (0.001, 1e300)] {
            let no_number = Grid::improved_ddpm(5, (0.002, 81.0), 1000, c1, c2);
            assert!(matches!(no_number, Err(GridError::Level(LevelError::Sigma { sigma })) if sigma.is_nan()));
        }
    }
}
