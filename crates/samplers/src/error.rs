//! What can stop a sampler.

use undrift_denoisers::DenoiseError;

/// What stops a sampler.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// The model has no belief that a step needs.
    #[error("the step that starts at time {time} failed: {source}")]
    Denoise {
        /// Label of the level where the step starts.
        time: f64,
        /// What the model said.
        source: DenoiseError,
    },
}
