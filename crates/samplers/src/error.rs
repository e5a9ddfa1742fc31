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
    /// The stochasticity of DDIM is negative or no finite number.
    #[error("eta is {eta}, but must be finite and not negative: 0 adds no noise, 1 as much as DDPM")]
    Eta {
        /// The value given.
        eta: f64,
    },
    /// DDIM was asked for more noise than there is where a step ends.
    #[error(
        "eta {eta} asks for more noise than there is where the step from time {time} ends: \
         give at most {largest} for this grid, or 1, which suits every grid"
    )]
    EtaTooLarge {
        /// The value given.
        eta: f64,
        /// Label of the level where the step starts.
        time: f64,
        /// The largest eta that this step can have.
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
    /// A level halfway through a step cannot exist.
    #[error("the step that starts at time {time} has no level halfway: {source}; take more steps or another solver")]
    Halfway {
        /// Label of the level where the step starts.
        time: f64,
        /// What is wrong with it.
        source: LevelError,
    },
    /// A setting of the churn is out of range.
    #[error("{name} is {value}, but must be {range}")]
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
        "churn raises the level of time {time} to sigma {sigma}, for which there is no label: \
         label churned levels by a chain that reaches this sigma, or lower S_max"
    )]
    Unlabelled {
        /// Label of the level that was churned.
        time: f64,
        /// The raised sigma.
        sigma: f64,
    },
    /// A level that a solver made on its way cannot exist.
    #[error(transparent)]
    Level(#[from] LevelError),
}

impl SampleError {
    /// For `map_err` of what a model says where a step starts at `time`.
    pub(crate) fn at(time: f64) -> impl Fn(DenoiseError) -> SampleError {
        move |source| SampleError::Denoise { time, source }
    }
}
