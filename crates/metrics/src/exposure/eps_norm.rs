//! The size of the predicted noise along sampling and in training.

use burn::tensor::Tensor;
use undrift_schedules::{Grid, Level};

use super::host;
use super::per_level::PerLevel;
use crate::MetricError;
use crate::rows::rows;

/// Mean over images of the Euclidean norm of the predicted noise, `||eps_theta||_2`, on the two sides.
///
/// Ning et al. 2024, arXiv:2308.15321. White noise of `d` pixels has a norm of about `sqrt(d)`; the
/// optimal prediction is smaller at low noise, and along a drifting chain it is larger than in training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsNormPoint {
    /// Where on the grid.
    pub level: Level,
    /// On the states of a chain.
    pub sampling: f64,
    /// On real images with noise.
    pub training: f64,
}

impl EpsNormPoint {
    /// `sampling / training`: the factor that epsilon scaling would divide by at this level.
    pub fn ratio(&self) -> f64 {
        self.sampling / self.training
    }
}

/// Norms of the predicted noise, streamed in f64; see [`EpsNormPoint`].
#[derive(Clone, Debug, PartialEq)]
pub struct EpsNorm {
    sampling: PerLevel<Norms>,
    training: PerLevel<Norms>,
}

/// A sum in order of the images, so that a split into batches changes no bit of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Norms {
    count: u64,
    sum: f64,
}

impl EpsNorm {
    /// Nothing measured yet, on the levels of `grid`.
    pub fn new(grid: &Grid) -> Self {
        EpsNorm { sampling: PerLevel::new(grid), training: PerLevel::new(grid) }
    }

    /// Adds what the model predicted along a chain at the level that `step` steps lead to.
    ///
    /// # Shapes
    /// `eps`: `[B, ..]`, the same in VP and in EDM coordinates.
    ///
    /// # Errors
    /// [`MetricError::NoSuchLevel`] beyond the grid, [`MetricError::NotFinite`] for a norm that is no finite number.
    pub fn add_sampling<const D: usize>(&mut self, step: usize, eps: &Tensor<D>) -> Result<(), MetricError> {
        self.sampling.after(step)?.1.add(eps)
    }

    /// Adds what the model predicted on real images with the noise of the level that `step` steps lead to.
    ///
    /// # Shapes
    /// `eps`: `[B, ..]`.
    ///
    /// # Errors
    /// As [`add_sampling`](Self::add_sampling).
    pub fn add_training<const D: usize>(&mut self, step: usize, eps: &Tensor<D>) -> Result<(), MetricError> {
        self.training.after(step)?.1.add(eps)
    }

    /// Adds the images of `other`, as if they came after these.
    ///
    /// # Errors
    /// [`MetricError::OtherLevels`] for another grid.
    pub fn merge(&mut self, other: &EpsNorm) -> Result<(), MetricError> {
        self.sampling.merge(&other.sampling, Norms::merge)?;
        self.training.merge(&other.training, Norms::merge)
    }

    /// One point for each level that has seen both sides, noisiest first.
    pub fn curve(&self) -> Vec<EpsNormPoint> {
        let pairs = self.sampling.iter().zip(self.training.iter());
        pairs
            .filter(|((_, sampling), (_, training))| sampling.count > 0 && training.count > 0)
            .map(|((level, sampling), (_, training))| EpsNormPoint {
                level,
                sampling: sampling.mean(),
                training: training.mean(),
            })
            .collect()
    }
}

impl Norms {
    fn add<const D: usize>(&mut self, eps: &Tensor<D>) -> Result<(), MetricError> {
        let (eps, width) = host(eps)?;
        for image in rows(&eps, width)? {
            let norm = image.iter().map(|eps| eps * eps).sum::<f64>().sqrt();
            if !norm.is_finite() {
                return Err(MetricError::NotFinite { sample: self.count, feature: 0, value: norm });
            }
            self.count += 1;
            self.sum += norm;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Norms) -> Result<(), MetricError> {
        *self = Norms { count: self.count + other.count, sum: self.sum + other.sum };
        Ok(())
    }

    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}
