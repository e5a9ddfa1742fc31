//! What every score has: a name, a direction and a unit, from images that are streamed in.

use crate::MetricError;
use burn::tensor::Tensor;

/// A number that says how good images, or a model of them, are.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its name for people, such as `inception score`; scores of one metric have different names.
    pub name: String,
    /// The number, which may be NaN or infinite for a model that has broken down.
    pub value: f64,
    /// How far the number scatters over parts of the images, if the metric knows.
    pub spread: Option<f64>,
    /// Which numbers are better.
    pub better: Better,
    /// What it is counted in; empty for a plain number.
    pub unit: &'static str,
}

/// Which of two scores is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The smaller one.
    Lower,
    /// The larger one.
    Higher,
}

/// Scores of images that are streamed in: no score depends on where batches end.
pub trait Metric<const D: usize = 4> {
    /// Adds images.
    ///
    /// # Shapes
    /// `images`: `[B, ..]`, `[B, C, H, W]` for `D = 4`, on the 256 grey levels `g / 127.5 - 1`; B may be 0
    ///
    /// # Errors
    /// Those of the metric, such as features that are not finite.
    fn add(&mut self, images: Tensor<D>) -> Result<(), MetricError>;

    /// The scores of all images added so far.
    ///
    /// # Errors
    /// Those of the metric, such as too few images.
    fn scores(&self) -> Result<Vec<Score>, MetricError>;
}
