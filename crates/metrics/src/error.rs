//! What keeps a metric from being computed.

use burn::tensor::TensorReadError;
use undrift_files::WeightsError;
use undrift_losses::LossError;
use undrift_networks::NetworkError;
use undrift_samplers::SampleError;
use undrift_schedules::GridError;

/// Why a metric could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    /// A file of an extractor's weights cannot be read.
    #[error(transparent)]
    File(#[from] WeightsError),
    /// Weights of another network than the extractor.
    #[error(transparent)]
    Weights(#[from] NetworkError),
    /// A covariance with ddof 1 does not exist.
    #[error("a covariance of {count} samples does not exist: give at least 2")]
    TooFewSamples {
        /// Samples seen.
        count: u64,
    },
    /// Two things that must have the same width do not.
    #[error("{found} numbers per sample where {expected} are expected: use one extractor throughout")]
    Width {
        /// Width of what came first.
        expected: usize,
        /// Width of what came now.
        found: usize,
    },
    /// A feature is NaN or infinite.
    #[error(
        "feature {feature} of sample {sample} is {value}: look at the image it is of, and at the sampler that made it"
    )]
    NotFinite {
        /// Index of the sample, from 0, in the order given.
        sample: u64,
        /// Index of the feature, from 0.
        feature: usize,
        /// The value found.
        value: f64,
    },
    /// Finite features so large that their products are not.
    #[error("the covariance of {width} features overflows: scale the features down")]
    Overflow {
        /// Features per sample.
        width: usize,
    },
    /// The eigenvalue iteration did not converge.
    #[error("no eigenvalues found for a covariance of {width} features: look for features of extreme size")]
    NoConvergence {
        /// Features per sample.
        width: usize,
    },
    /// A row of class probabilities is none.
    #[error(
        "the probabilities of sample {sample} are negative or NaN, or add up to {sum:?}: apply a softmax to logits"
    )]
    NotProbabilities {
        /// Index of the sample, from 0, in the order given.
        sample: u64,
        /// What the row adds up to.
        sum: f64,
    },
    /// There are no splits, or fewer samples than splits.
    #[error("{samples} samples cannot be split into {splits} parts: use 1 to {samples} splits")]
    Splits {
        /// Parts asked for.
        splits: usize,
        /// Samples at hand.
        samples: usize,
    },
    /// A mean over no images.
    #[error("a mean over no images: give at least one batch with at least one image")]
    NoImages,
    /// A level beyond the end of the grid.
    #[error("there is no level after {step} steps on a grid of {levels} levels: count steps from 0 at the noisiest")]
    NoSuchLevel {
        /// The step asked for, from 0.
        step: usize,
        /// Levels of the grid, with the one it ends at.
        levels: usize,
    },
    /// Two measurements that are to be merged were made on different grids.
    #[error("measurements on different levels cannot be merged: use one grid throughout")]
    OtherLevels,
    /// The test of Shapiro and Wilk does not reach so few or so many values.
    #[error("the test of Shapiro and Wilk cannot judge {count} values: give it 3 to 5000")]
    ShapiroSize {
        /// Values given.
        count: usize,
    },
    /// Values that do not vary are neither Gaussian nor not.
    #[error("all values are {value:?}, which no test of normality can judge: look at what made them")]
    AllEqual {
        /// The value.
        value: f64,
    },
    /// A chain was to start at a level that is not on the grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A sampler could not take a step.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The variational bound of a batch could not be computed.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Numbers could not be read back from the device.
    #[error("the features could not be read from the device: {0}")]
    Read(#[from] TensorReadError),
}
