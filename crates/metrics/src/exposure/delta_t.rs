//! The exposure bias delta_t of Ning et al. 2024.

use burn::tensor::Tensor;
use undrift_schedules::{Grid, Level};

use super::host;
use super::per_level::PerLevel;
use super::pixel_stats::PixelStats;
use crate::MetricError;

/// A standard deviation at one level beside the one that the forward process has there, both in VP units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeltaPoint {
    /// Where on the grid.
    pub level: Level,
    /// Standard deviation found along the chain: over images (ddof 0) for each pixel, averaged over pixels.
    pub std: f64,
    /// What it would be without exposure bias.
    pub expected: f64,
}

impl DeltaPoint {
    /// `std - expected`: positive where the chain spreads too much.
    pub fn signed(&self) -> f64 {
        self.std - self.expected
    }

    /// `delta_t = (std - expected)^2`.
    ///
    /// Ning et al. 2024, arXiv:2308.15321, in the form of the authors' plots.
    pub fn delta(&self) -> f64 {
        self.signed() * self.signed()
    }

    /// `std^2 - expected^2`, the "variance error" of the authors' single-step and multi-step plots.
    pub fn variance_error(&self) -> f64 {
        self.signed() * (self.std + self.expected)
    }
}

/// The exposure bias `delta_t` in the paired form of the authors' code: the noise in `x_t`, given the real image
/// that the chain started from.
///
/// The residual is `r = x_t - sqrt(alpha_bar_t) x0`; its standard deviation over images is taken for each pixel
/// (ddof 0), averaged over pixels, and held against `sqrt(1 - alpha_bar_t)` (Ning et al. 2024, arXiv:2308.15321).
/// The chain must start from the forward process of `x0` itself.
///
/// It says what it should only at high noise. Lower down even an exact sampler has drifted to another image than
/// `x0`, and the number saturates near the distance between two images: use it to compare chains at equal levels,
/// and [`MarginalDelta`](super::MarginalDelta) for the size of the bias.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaT {
    residuals: PerLevel<PixelStats>,
}

impl DeltaT {
    /// Nothing measured yet, on the levels of `grid` and the one that it ends at, if it does.
    pub fn paired(grid: &Grid) -> Self {
        DeltaT { residuals: PerLevel::new(grid) }
    }

    /// Adds a batch at the level that `step` steps lead to, in the coordinates of the grid.
    ///
    /// # Shapes
    /// `x` and `x0`: `[B, ..]`, row i of one belonging to row i of the other.
    ///
    /// # Errors
    /// [`MetricError::NoSuchLevel`] beyond the grid, [`MetricError::Width`] for shapes that differ,
    /// [`MetricError::NotFinite`] where a chain has diverged.
    pub fn add<const D: usize>(&mut self, step: usize, x: &Tensor<D>, x0: &Tensor<D>) -> Result<(), MetricError> {
        let (level, stats) = self.residuals.after(step)?;
        let ((x, width), (x0, _)) = (host(x)?, host(x0)?);
        if x.len() != x0.len() {
            return Err(MetricError::Width { expected: x.len(), found: x0.len() });
        }
        let signal = level.alpha_bar().sqrt();
        let residuals: Vec<f64> = x.iter().zip(&x0).map(|(x, x0)| x / level.scale() - signal * x0).collect();
        stats.push(&residuals, width)
    }

    /// Adds the images of `other`, as if they came after these.
    ///
    /// # Errors
    /// [`MetricError::OtherLevels`] or [`MetricError::Width`] for another grid or image size.
    pub fn merge(&mut self, other: &DeltaT) -> Result<(), MetricError> {
        self.residuals.merge(&other.residuals, PixelStats::merge)
    }

    /// One point for each level that has seen images, noisiest first.
    ///
    /// # Errors
    /// None that a value made by the functions above can meet.
    pub fn curve(&self) -> Result<Vec<DeltaPoint>, MetricError> {
        let seen = self.residuals.iter().filter(|(_, stats)| stats.count() > 0);
        seen.map(|(level, stats)| {
            Ok(DeltaPoint { level, std: stats.mean_std()?, expected: level.one_minus_alpha_bar().sqrt() })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, TensorData};

    fn images(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
    }

    /// Standard deviations, and what became of them, in the authors' evaluation of ADM on CIFAR-10 in 20 steps
    /// (`datasets/exposure_bias_xt.py` of ADM-ES, timesteps 19, 10 and 1).
    #[test]
    fn published_standard_deviations_give_the_published_delta() {
        let level = Level::vp(0.5, 0.0).unwrap();
        for (std, expected, signed) in [
            (1.0011720770853572, 0.9965907318569104, 0.004581345228446776),
            (0.8543720459759546, 0.6823932607986238, 0.17197878517733078),
            (0.6885284489447562, 0.0064252801356804, 0.6821031688090757),
        ] {
            let point = DeltaPoint { level, std, expected };
            assert!((point.signed() - signed).abs() < 1e-15);
            assert!((point.delta() - signed * signed).abs() < 1e-15);
            assert!((point.variance_error() - (std * std - expected * expected)).abs() < 1e-15);
        }
    }

    /// By hand: signal 0.6, noise 0.8; residuals (0.4, -0.4) and (-0.6, 0.2), standard deviations 0.5 and 0.3.
    #[test]
    fn the_residual_is_of_the_paired_image_pixel_by_pixel() {
        let level = Level::vp(0.36, 0.0).unwrap();
        for (level, scale) in [(level, 1.0), (level.unscaled().unwrap(), 1.0 / 0.6)] {
            let mut delta = DeltaT::paired(&Grid::new([level]).unwrap());
            let x = images([1.0, 0.2, -1.2, 1.4].map(|x| x * scale).to_vec(), [2, 2]);
            delta.add(0, &x, &images(vec![1.0, 1.0, -1.0, 2.0], [2, 2])).unwrap();
            let curve = delta.curve().unwrap();
            assert!((curve[0].std - 0.4).abs() < 1e-15 && (curve[0].expected - 0.8).abs() < 1e-15, "{curve:?}");
            assert!((curve[0].delta() - 0.16).abs() < 1e-15);
        }
    }

    #[test]
    fn a_level_beyond_the_grid_and_unlike_shapes_are_errors() {
        let mut delta = DeltaT::paired(&Grid::new([Level::vp(0.5, 0.0).unwrap()]).unwrap());
        let x = images(vec![1.0; 4], [2, 2]);
        let error = delta.add(1, &x, &x).unwrap_err();
        assert!(matches!(error, MetricError::NoSuchLevel { step: 1, levels: 1 }), "{error}");
        let error = delta.add(0, &x, &images(vec![1.0; 2], [1, 2])).unwrap_err();
        assert!(matches!(error, MetricError::Width { .. }), "{error}");
        assert_eq!(delta.curve().unwrap(), []);
    }
}
