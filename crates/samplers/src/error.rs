//! What can stop a sampler.

use std::error::Error;

use undrift_denoisers::{DenoiseError, ForeignError};
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
    /// The stochasticity of DDIM is negative or no finite number.
    #[error("eta is {eta}, but must be finite and not negative: 0 adds no noise, 1 as much as DDPM")]
    Eta {
        /// The value given.
        eta: f64,
    },
    /// DDIM was asked for more noise than there is where a step ends.
    #[error(
        "eta {eta} asks for more noise than there is where the step from time {time} ends: \
         give at most {largest}, or 1, which suits every grid"
    )]
    EtaTooLarge {
        /// The value given.
        eta: f64,
        /// Label of the level where the step starts.
        time: f64,
        /// The largest eta of the whole grid, or of one step where that was asked for alone.
        largest: f64,
    },
    /// The method needs a signal where a step starts, whatever the model.
    #[error(
        "the method cannot start a step at time {time}, where the signal is 0 and sigma infinite: use the ancestral \
         sampler, DDIM, DPM-Solver++(2M) or UniPC with B2, or a chain whose last beta is below 1"
    )]
    NoSignal {
        /// Label of the level without signal.
        time: f64,
    },
    /// A step would look at a level that the chain does not have.
    #[error(
        "the step would look at index {index} of a chain of {len} levels, counted from 0; take other steps or another spacing"
    )]
    BeyondChain {
        /// The index, from 0.
        index: usize,
        /// Levels of the chain.
        len: usize,
    },
    /// A level halfway through a step cannot exist.
    #[error("the step that starts at time {time} has no level halfway: {source}; take more steps or another solver")]
    Halfway {
        /// Label of the level where the step starts.
        time: f64,
        /// What is wrong with it.
        source: LevelError,
    },
    /// A setting of the churn is out of range.
    #[error("{name} is {value:?}, but must be {range}")]
    Churn {
        /// The setting, in the paper's letters.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What it has to be.
        range: &'static str,
    },
    /// A churned level has no label.
    #[error(
        "churn raises the level of time {time} to sigma {sigma:?}, for which there is no label: \
         label churned levels by a chain that reaches this sigma, or lower S_max"
    )]
    Unlabelled {
        /// Label of the level that was churned.
        time: f64,
        /// The raised sigma.
        sigma: f64,
    },
    /// A level between those of the grid has no label.
    #[error(
        "the step that starts at time {time} asks at sigma {sigma:?}, between the levels of its grid, for which there \
         is no label: label by a chain that reaches this sigma, or use a grid that is labelled with sigma"
    )]
    UnlabelledStage {
        /// Label of the level where the step starts.
        time: f64,
        /// Where it asks on its way.
        sigma: f64,
    },
    /// A level that a solver made on its way cannot exist.
    #[error(transparent)]
    Level(#[from] LevelError),
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
    #[error("eta is {eta}, but this method takes one from 0 (no noise) to 1 (DDPM's)")]
    EtaShare {
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
    #[error(
        "a weight of {weight:?} for the present in a moving average: give one above 0 and at most 1, which is none"
    )]
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
    /// A solver from elsewhere refuses a step, for a reason of its own.
    #[error("{method} cannot make the step that starts at time {time}: {source}")]
    Foreign {
        /// The solver.
        method: String,
        /// Label of the level where the step starts.
        time: f64,
        /// Why.
        source: ForeignError,
    },
}

impl SampleError {
    /// The refusal of a solver from elsewhere, under its name, of the step that starts where the label is `time`.
    pub fn foreign(method: impl Into<String>, time: f64, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        SampleError::Foreign { method: method.into(), time, source: ForeignError::new(why) }
    }

    /// For `map_err` of what a model says: the failure of the step that starts where the label is `time`.
    pub fn at(time: f64) -> impl Fn(DenoiseError) -> SampleError {
        move |source| SampleError::Denoise { time, source }
    }
}
