//! delta_t against the marginal of the forward process, without pairs.

use burn::tensor::Tensor;
use undrift_schedules::Grid;

use super::delta_t::DeltaPoint;
use super::host;
use super::per_level::PerLevel;
use super::pixel_stats::PixelStats;
use crate::MetricError;

/// The spread of `x_t` along a chain against that of the forward process `q(x_t)` at the same level.
///
/// Standard deviations are over images for each pixel (ddof 0), averaged over pixels, in VP units. Nothing has to be
/// known about where a chain started, and the measure does not saturate: an exact sampler scores 0 at every level.
/// It is ours, the marginal counterpart of [`DeltaT`](super::DeltaT) (Ning et al. 2024, arXiv:2308.15321).
#[derive(Clone, Debug, PartialEq)]
pub struct MarginalDelta {
    chain: PerLevel<PixelStats>,
    forward: PerLevel<PixelStats>,
    data: PixelStats,
}

impl MarginalDelta {
    /// Nothing measured yet, on the levels of `grid` and the one that it ends at, if it does.
    pub fn new(grid: &Grid) -> Self {
        MarginalDelta { chain: PerLevel::new(grid), forward: PerLevel::new(grid), data: PixelStats::default() }
    }

    /// Adds states of a chain at the level that `step` steps lead to, in the coordinates of the grid.
    ///
    /// # Shapes
    /// `x`: `[B, ..]`.
    ///
    /// # Errors
    /// [`MetricError::NoSuchLevel`] beyond the grid, [`MetricError::Width`] for another image size,
    /// [`MetricError::NotFinite`] where a chain has diverged.
    pub fn add_chain<const D: usize>(&mut self, step: usize, x: &Tensor<D>) -> Result<(), MetricError> {
        add(&mut self.chain, step, x)
    }

    /// Adds states of the forward process at the level that `step` steps lead to.
    ///
    /// # Shapes
    /// `x`: `[B, ..]`, real images with noise, in the coordinates of the grid.
    ///
    /// # Errors
    /// As [`add_chain`](Self::add_chain).
    pub fn add_forward<const D: usize>(&mut self, step: usize, x: &Tensor<D>) -> Result<(), MetricError> {
        add(&mut self.forward, step, x)
    }

    /// Adds real images, for the closed form.
    ///
    /// # Shapes
    /// `x0`: `[B, ..]`.
    ///
    /// # Errors
    /// [`MetricError::Width`] and [`MetricError::NotFinite`].
    pub fn add_data<const D: usize>(&mut self, x0: &Tensor<D>) -> Result<(), MetricError> {
        let (x0, width) = host(x0)?;
        self.data.push(&x0, width)
    }

    /// Adds the images of `other`, as if they came after these.
    ///
    /// # Errors
    /// [`MetricError::OtherLevels`] or [`MetricError::Width`] for another grid or image size.
    pub fn merge(&mut self, other: &MarginalDelta) -> Result<(), MetricError> {
        self.chain.merge(&other.chain, PixelStats::merge)?;
        self.forward.merge(&other.forward, PixelStats::merge)?;
        self.data.merge(&other.data)
    }

    /// The chain against states that the forward process was sampled at, for each level that has seen both.
    ///
    /// With the same images and noise on both sides much of the sampling error cancels.
    ///
    /// # Errors
    /// None that a value made by the functions above can meet.
    pub fn against_forward(&self) -> Result<Vec<DeltaPoint>, MetricError> {
        let pairs = self.chain.iter().zip(self.forward.iter());
        let seen = pairs.filter(|((_, chain), (_, forward))| chain.count() > 0 && forward.count() > 0);
        seen.map(|((level, chain), (_, forward))| {
            Ok(DeltaPoint { level, std: chain.mean_std()?, expected: forward.mean_std()? })
        })
        .collect()
    }

    /// The chain against `sqrt(alpha_bar var(x0) + 1 - alpha_bar)`, pixel by pixel and then averaged.
    ///
    /// # Errors
    /// [`MetricError::NoImages`] before [`add_data`](Self::add_data).
    pub fn against_closed_form(&self) -> Result<Vec<DeltaPoint>, MetricError> {
        let variances = self.data.variances()?;
        let seen = self.chain.iter().filter(|(_, chain)| chain.count() > 0);
        seen.map(|(level, chain)| {
            let std = |variance: &f64| (level.alpha_bar() * variance + level.one_minus_alpha_bar()).sqrt();
            let expected = variances.iter().map(std).sum::<f64>() / variances.len() as f64;
            Ok(DeltaPoint { level, std: chain.mean_std()?, expected })
        })
        .collect()
    }

    /// Standard deviation of the real images, for each pixel and then averaged.
    ///
    /// # Errors
    /// [`MetricError::NoImages`] before [`add_data`](Self::add_data).
    pub fn data_std(&self) -> Result<f64, MetricError> {
        self.data.mean_std()
    }
}

fn add<const D: usize>(to: &mut PerLevel<PixelStats>, step: usize, x: &Tensor<D>) -> Result<(), MetricError> {
    let (level, stats) = to.after(step)?;
    let (mut x, width) = host(x)?;
    x.iter_mut().for_each(|x| *x /= level.scale());
    stats.push(&x, width)
}
