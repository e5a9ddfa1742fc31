//! What keeps a loss from being computed.

use std::error::Error;

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
         use the hybrid loss or the variational bound, or a network without variance channels"
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
        "the grid ends at alpha_bar = {alpha_bar:?}, above the data: \
         bits per dimension need a grid whose last step reaches the data"
    )]
    EndsAboveData {
        /// Share of signal at the level where the grid ends.
        alpha_bar: f64,
    },
    /// The strength of an input perturbation is negative or not finite.
    #[error("gamma is {gamma:?}: perturb inputs with a finite gamma of at least 0 (the paper's is 0.1)")]
    Gamma {
        /// The value given.
        gamma: f64,
    },
    /// A constant of a weighting is out of its range.
    #[error("{name} is {value:?}: give a finite number above 0 (gamma of P2 may be 0)")]
    Weighting {
        /// The constant.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// There are no levels to draw from.
    #[error("no levels to draw from: give the length of the chain, at least 1")]
    NoLevels,
    /// A loss was recorded for a level that does not exist.
    #[error("a loss of level {t} of {steps}: levels are counted from 1 to {steps}")]
    Level {
        /// The level given.
        t: usize,
        /// How many there are.
        steps: usize,
    },
    /// A loss that is not finite would spoil the probabilities of all levels.
    #[error("a loss of {loss} at level {t}: record finite losses only")]
    RecordedLoss {
        /// The level.
        t: usize,
        /// The loss given.
        loss: f64,
    },
    /// No loss of a level is to be kept, so that nothing could be known about it.
    #[error("no losses are kept of a level: keep at least 1 (the authors keep 10)")]
    NothingKept,
    /// The share of uniform draws is no share.
    #[error("a share of {uniform:?} of uniform draws: give one in 0..=1 (the authors' is 0.001)")]
    Share {
        /// The value given.
        uniform: f64,
    },
    /// A history is that of a chain of another length.
    #[error("{rows} rows of losses for {steps} levels: give one row for each level")]
    HistoryRows {
        /// How many rows were given.
        rows: usize,
        /// How many levels there are.
        steps: usize,
    },
    /// A history holds more losses than are kept.
    #[error("{kept} losses of level {t}: give the last {most} at most")]
    History {
        /// The level.
        t: usize,
        /// How many were given.
        kept: usize,
        /// How many are kept.
        most: usize,
    },
    /// A number that is to choose a level is not in `[0, 1)`.
    #[error("a level was to be drawn with {value:?}: give a number uniform in [0, 1)")]
    Uniform {
        /// The value given.
        value: f64,
    },
    /// The step of a difference is not positive.
    #[error("a difference over a step of {step:?}: give a positive and finite one, as 0.01")]
    Step {
        /// The value given.
        step: f64,
    },
    /// The result could not be read back from the device.
    #[error("the loss could not be read from the device: {0}")]
    Read(#[from] TensorReadError),
    /// The share of samples that see the model's own work is no share.
    #[error("a share of {share:?} of the samples: give one in 0..=1")]
    SampledShare {
        /// The value given.
        share: f64,
    },
    /// A training level that the chain of a corruption does not have.
    #[error("the level of time {time} is not in the chain of this corruption: train on that chain's own levels")]
    OffChain {
        /// Label of the level.
        time: f64,
    },
    /// The strength of a penalty is negative or not finite.
    #[error("a penalty of strength {lambda:?}: give a finite one of at least 0, which is none")]
    Penalty {
        /// The value given.
        lambda: f64,
    },
    /// What an objective kept in a checkpoint is missing or damaged.
    #[error("the checkpoint's `{entry}` cannot be read ({why}): go on from an earlier checkpoint, or train anew")]
    State {
        /// Name of the entry.
        entry: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A corruption or an objective from elsewhere fails, for a reason of its own.
    #[error("{method}: {source}")]
    Foreign {
        /// What fails.
        method: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl LossError {
    /// The failure of a corruption or an objective from elsewhere, under its name.
    pub fn foreign(method: impl Into<String>, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        LossError::Foreign { method: method.into(), source: why.into() }
    }
}
