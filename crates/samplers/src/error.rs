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
    /// A level that the chain of a time shift does not have.
    #[error(
        "the level of time {time} is not in the chain of this time shift: \
         sample over a grid of that chain's own levels, with that chain's labels"
    )]
    OffChain {
        /// Label of the level.
        time: f64,
    },
    /// A share of stochasticity that the variance of the posterior does not reach to.
    #[error("a time shift with eta {eta}: give one from 0 (no noise) to 1 (DDPM's)")]
    ShiftEta {
        /// The value that was given.
        eta: f64,
    },
    /// A shifted step that adds noise would end at a noisier level than it started at.
    #[error(
        "the time shift sends the step that starts at time {from} to the noisier time {to}, which has no posterior: \
         use a smaller window, fewer steps, or eta 0"
    )]
    ShiftUp {
        /// Label of the level where the step starts.
        from: f64,
        /// Label of the level where a sample would land.
        to: f64,
    },
    /// A shifted step would end below the first level of the chain.
    #[error("the time shift sends the step that starts at time {from} past the data: use a higher cutoff")]
    ShiftPastData {
        /// Label of the level where the step starts.
        from: f64,
    },
    /// A weight of a moving average is not in `(0, 1]`.
    #[error("a weight of {weight} for the present in a moving average: give one above 0 and at most 1, which is none")]
    AverageWeight {
        /// The value that was given.
        weight: f64,
    },
    /// A moving average was run over another grid than its weights were made for.
    #[error("the level of time {time} is not in the grid of this moving average: make it for the grid that is run")]
    OffGrid {
        /// Label of the level.
        time: f64,
    },
    /// Images that a wavelet cannot halve.
    #[error("a batch of shape {shape:?} has no height and width that a wavelet can halve: give images of even sizes")]
    NoHalves {
        /// Shape of the batch.
        shape: Vec<usize>,
    },
}
