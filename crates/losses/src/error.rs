//! What keeps a loss from being computed.

use burn::tensor::TensorReadError;
use undrift_denoisers::{DenoiseError, OutputVariance};

/// Why a loss could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The model could not be asked, its answer has no view that the loss needs, or counts and shapes do not fit.
    #[error(transparent)]
    Denoise(#[from] DenoiseError),
    /// The squared error says nothing about a variance, so a network that emits one would never learn it.
    #[error(
        "the squared error cannot train a learned variance ({variance:?}): \
         use the variational bound, or a network without variance channels"
    )]
    VarianceNotTrained {
        /// What the second half of the network's channels is.
        variance: OutputVariance,
    },
    /// The prediction is not about these data; Burn would broadcast silently where a dimension is 1.
    #[error("data of shape {data:?} beside a prediction of shape {prediction:?}: predict from these very data")]
    DataShape {
        /// Shape of the data.
        data: Vec<usize>,
        /// Shape of the prediction.
        prediction: Vec<usize>,
    },
    /// A bound on the likelihood of data needs a last step that reaches the data.
    #[error(
        "the grid ends at alpha_bar = {alpha_bar}, above the data: \
         bits per dimension need a grid whose last step reaches the data"
    )]
    EndsAboveData {
        /// Share of signal at the level where the grid ends.
        alpha_bar: f64,
    },
    /// The result could not be read back from the device.
    #[error("the loss could not be read from the device: {0}")]
    Read(#[from] TensorReadError),
}
