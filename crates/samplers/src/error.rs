//! What can stop a sampler.

use undrift_denoisers::DenoiseError;
use undrift_schedules::LevelError;

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
    /// The method needs a signal where a step starts, whatever the model.
    #[error(
        "the method cannot start a step at time {time}, where the signal is 0: use DPM-Solver++(2M) or UniPC with B2, \
         or a chain whose last beta is below 1"
    )]
    NoSignal {
        /// Label of the level without signal.
        time: f64,
    },
    /// A level inside a step cannot exist.
    #[error("the step that starts at time {time} has no level halfway: {source}; take more steps or another solver")]
    Level {
        /// Label of the level where the step starts.
        time: f64,
        /// What is wrong with it.
        source: LevelError,
    },
}
