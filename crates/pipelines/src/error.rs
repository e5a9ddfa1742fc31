//! What can be wrong with a published pipeline.

use undrift_checkpoints::CheckpointError;
use undrift_samplers::SampleError;
use undrift_schedules::ChainError;

/// The error of a method that is handed down.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can be wrong with a published pipeline, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The files or their settings.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A method refuses its values, or does not fit the levels or the network.
    #[error("`{method}`: {why}")]
    Refused {
        /// The method.
        method: String,
        /// Why.
        why: String,
    },
    /// A method cannot be built.
    #[error(transparent)]
    Method(BoxError),
    /// A step while samples are drawn.
    #[error(transparent)]
    Sample(#[from] SampleError),
}

impl PipelineError {
    /// A method that does not fit, and why.
    pub(crate) fn refused(method: impl ToString, why: impl ToString) -> Self {
        PipelineError::Refused { method: method.to_string(), why: why.to_string() }
    }
}
