//! The error of the predicted x0 on the forward process, and whether it is Gaussian.

use burn::tensor::Tensor;
use undrift_schedules::{Grid, Level};

use super::host;
use super::per_level::PerLevel;
use super::pixel_stats::PixelStats;
use super::shapiro_wilk::{of_weights, weights};
use crate::MetricError;

/// The error `x0 - x0_hat` of a model at one level.
///
/// Ning, Sangineto, Porrello, Calderara, Cucchiara 2023, arXiv:2301.11706, appendix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct X0ErrorPoint {
    /// Where on the grid.
    pub level: Level,
    /// Standard deviation of the error over images (ddof 0) for each pixel, averaged: the paper's `nu_t`.
    pub std: f64,
    /// Share of the pixels whose error is not told from a Gaussian, in `[0, 1]`; `None` with too few images.
    pub gaussian: Option<f64>,
}

/// Errors of the predicted x0 on real images with noise, level by level.
///
/// Whether an error is Gaussian is asked of each pixel by the test of Shapiro and Wilk on its first
/// [`X0Error::TESTED`] images at the level of significance [`X0Error::SIGNIFICANCE`], as in the authors' code. Of
/// truly Gaussian errors a share of 0.95 passes. A pixel whose error never varies is not Gaussian.
#[derive(Clone, Debug, PartialEq)]
pub struct X0Error {
    errors: PerLevel<Errors>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Errors {
    stats: PixelStats,
    /// The first images, one after the other.
    first: Vec<f64>,
    width: usize,
}

impl X0Error {
    /// How many images the test of a pixel looks at.
    pub const TESTED: usize = 100;
    /// The chance at which a Gaussian error is rejected.
    pub const SIGNIFICANCE: f64 = 0.05;

    /// Nothing measured yet, on the levels of `grid`.
    pub fn new(grid: &Grid) -> Self {
        X0Error { errors: PerLevel::new(grid) }
    }

    /// Adds what the model predicted on real images with the noise of the level that `step` steps lead to.
    ///
    /// # Shapes
    /// `x0` and `predicted`: `[B, ..]`, row i of one belonging to row i of the other.
    ///
    /// # Errors
    /// [`MetricError::NoSuchLevel`] beyond the grid, [`MetricError::Width`] for shapes that differ,
    /// [`MetricError::NotFinite`] for an error that is no finite number.
    pub fn add<const D: usize>(
        &mut self,
        step: usize,
        x0: &Tensor<D>,
        predicted: &Tensor<D>,
    ) -> Result<(), MetricError> {
        let errors = self.errors.after(step)?.1;
        let ((x0, width), (predicted, _)) = (host(x0)?, host(predicted)?);
        if x0.len() != predicted.len() {
            return Err(MetricError::Width { expected: x0.len(), found: predicted.len() });
        }
        errors.push(x0.iter().zip(&predicted).map(|(x0, predicted)| x0 - predicted).collect(), width)
    }

    /// Adds the images of `other`, as if they came after these.
    ///
    /// # Errors
    /// [`MetricError::OtherLevels`] or [`MetricError::Width`] for another grid or image size.
    pub fn merge(&mut self, other: &X0Error) -> Result<(), MetricError> {
        self.errors.merge(&other.errors, |ours, theirs| {
            ours.stats.merge(&theirs.stats)?;
            ours.keep(&theirs.first, theirs.width);
            Ok(())
        })
    }

    /// One point for each level that has seen images, noisiest first.
    ///
    /// # Errors
    /// None that a value made by the functions above can meet.
    pub fn curve(&self) -> Result<Vec<X0ErrorPoint>, MetricError> {
        let seen = self.errors.iter().filter(|(_, errors)| errors.stats.count() > 0);
        seen.map(|(level, errors)| {
            Ok(X0ErrorPoint { level, std: errors.stats.mean_std()?, gaussian: errors.gaussian()? })
        })
        .collect()
    }
}

impl Errors {
    fn push(&mut self, errors: Vec<f64>, width: usize) -> Result<(), MetricError> {
        self.stats.push(&errors, width)?;
        self.keep(&errors, width);
        Ok(())
    }

    fn keep(&mut self, errors: &[f64], width: usize) {
        self.width = self.width.max(width);
        let room = X0Error::TESTED * self.width - self.first.len();
        self.first.extend(errors.iter().take(room));
    }

    fn gaussian(&self) -> Result<Option<f64>, MetricError> {
        if self.first.len() < X0Error::TESTED * self.width || self.width == 0 {
            return Ok(None);
        }
        let weights = weights(X0Error::TESTED)?;
        let mut passed = 0;
        for pixel in 0..self.width {
            let errors: Vec<f64> = self.first.iter().skip(pixel).step_by(self.width).copied().collect();
            passed += usize::from(is_gaussian(&errors, &weights)?);
        }
        Ok(Some(passed as f64 / self.width as f64))
    }
}

fn is_gaussian(errors: &[f64], weights: &[f64]) -> Result<bool, MetricError> {
    match of_weights(errors, weights) {
        Ok(test) => Ok(test.p > X0Error::SIGNIFICANCE),
        Err(MetricError::AllEqual { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};
    use undrift_noise::{Key, Noise, Purpose, SampleNoise};

    fn grid() -> Grid {
        Grid::new([Level::vp(0.5, 1.0).unwrap()]).unwrap()
    }

    fn normals(count: usize, width: usize) -> Tensor<2> {
        let mut noise = SampleNoise::new(Key::new(1, Purpose::Evaluation), 0, count);
        noise.normal(&Tensor::<2>::zeros([count, width], (&Device::flex(), DType::F64)))
    }

    fn point(x0: Tensor<2>, predicted: Tensor<2>) -> X0ErrorPoint {
        let mut error = X0Error::new(&grid());
        error.add(0, &x0, &predicted).unwrap();
        error.curve().unwrap()[0]
    }

    /// Of 2000 Gaussian pixels 1900 should pass, give or take 4 standard deviations of 9.7.
    #[test]
    fn gaussian_errors_pass_as_often_as_the_significance_says() {
        let x0 = normals(100, 2000);
        let found = point(x0.clone(), x0.clone() * 0.5);
        assert!((found.gaussian.unwrap() - 0.95).abs() < 0.02, "{found:?}");
        assert!((found.std - 0.5).abs() < 0.01, "{found:?}");
        let cubed = point(x0.clone().powi_scalar(3), x0.zeros_like());
        assert!(cubed.gaussian.unwrap() < 0.01, "{cubed:?}");
    }

    #[test]
    fn only_the_first_hundred_are_tested_and_fewer_are_not() {
        let (x0, zero) = (normals(150, 3), normals(150, 3).zeros_like());
        let first = point(x0.clone().narrow(0, 0, 100), zero.clone().narrow(0, 0, 100));
        let spoilt = Tensor::cat(vec![x0.clone().narrow(0, 0, 100), x0.clone().narrow(0, 100, 50) * 100.0], 0);
        assert_eq!(point(spoilt, zero.clone()).gaussian, first.gaussian);
        assert_eq!(point(x0.clone().narrow(0, 0, 99), zero.clone().narrow(0, 0, 99)).gaussian, None);
        assert_eq!(point(zero.clone(), zero).gaussian, Some(0.0), "an error that never varies");
    }

    #[test]
    fn batches_do_not_matter_and_parts_can_be_merged() {
        let (x0, zero) = (normals(120, 3), normals(120, 3).zeros_like());
        let whole = point(x0.clone(), zero.clone());
        let part = |from, count| {
            let mut error = X0Error::new(&grid());
            error.add(0, &x0.clone().narrow(0, from, count), &zero.clone().narrow(0, from, count)).unwrap();
            error
        };
        let mut parts = part(0, 70);
        parts.add(0, &x0.clone().narrow(0, 70, 50), &zero.clone().narrow(0, 70, 50)).unwrap();
        assert_eq!(parts.curve().unwrap()[0], whole);
        let mut merged = part(0, 70);
        merged.merge(&part(70, 50)).unwrap();
        let merged = merged.curve().unwrap()[0];
        assert!((merged.std - whole.std).abs() < 1e-14 && merged.gaussian == whole.gaussian);
    }
}
