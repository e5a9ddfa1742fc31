//! What keeps a belief from being formed or read.

use std::error::Error;

use crate::ForeignError;

/// What keeps a belief from being formed or read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DenoiseError {
    /// A range to which x0 cannot be clipped.
    #[error("x0 cannot be clipped to +-{range}: give a positive and finite range, as 1")]
    ClipRange {
        /// The value given.
        range: f64,
    },
    /// Bounds that make no dynamic threshold.
    #[error(
        "a dynamic threshold of the quantile {ratio} and at most {most}: give a quantile in [0, 1], as 0.995, and a \
         positive and finite most"
    )]
    Threshold {
        /// The quantile given.
        ratio: f64,
        /// The largest threshold given.
        most: f64,
    },
    /// A strength of guidance that is no number.
    #[error("the guidance scale is {scale:?}; it must be finite: 1 is the plain condition, 0 none")]
    GuidanceScale {
        /// The scale.
        scale: f64,
    },
    /// An eps model was asked at a level without signal, where eps says nothing about x0.
    #[error(
        "an eps model knows nothing about x0 at time {time}, where the signal is 0: \
         use an x0 or v model, or a chain whose last beta is below 1"
    )]
    NoSignal {
        /// Label of the level without signal.
        time: f64,
    },
    /// A belief about pure noise was to be changed through its eps, which says nothing about x0 there.
    #[error(
        "a change of eps says nothing about x0 at time {time}, where the signal is 0: leave {method} away, \
         or use a chain or a grid that starts with a signal above 0"
    )]
    ChangedEps {
        /// What was to change eps.
        method: &'static str,
        /// Label of the level without signal.
        time: f64,
    },
    /// EDM's preconditioning was asked at a level without signal, where its label is infinite.
    #[error(
        "EDM's label ln(sigma) / 4 is infinite at time {time}, where the signal is 0: \
         ask at levels with a signal above 0, or use an x0 or v model"
    )]
    NoLabel {
        /// Label of the level without signal.
        time: f64,
    },
    /// EDM's preconditioning was given a spread of the data that is no positive number.
    #[error("sigma_data is {sigma_data:?}: give the standard deviation of the data, positive and finite")]
    SigmaData {
        /// The value given.
        sigma_data: f64,
    },
    /// A mu_tilde model was asked at a level that its chain does not have.
    #[error(
        "the level of time {time} is not in the chain of this mu_tilde model: \
         ask at that chain's own levels, or use an eps, x0 or v model"
    )]
    ForeignLevel {
        /// Label of the level asked about.
        time: f64,
    },
    /// A mu_tilde model was asked for the posterior mean of a jump that its chain does not make.
    #[error(
        "mu_tilde is learned for single steps of its chain, not for the span from time {from} to {}: \
         sample over every level of the chain, or use an eps, x0 or v model",
        .to.map_or("the data".to_owned(), |to| format!("time {to}"))
    )]
    ForeignSpan {
        /// Label of the level where the span starts.
        from: f64,
        /// Label of the level where it ends; `None` is the data.
        to: Option<f64>,
    },
    /// A learned log-variance was asked for on a span that is no single step of its chain.
    #[error(
        "a learned log-variance belongs to single steps of its chain, not to the span from time {from} to {}: \
         sample over every level of the chain, use a fixed variance or DDIM, or a network with a learned range",
        .to.map_or("the data".to_owned(), |to| format!("time {to}"))
    )]
    VarianceOfAnotherSpan {
        /// Label of the level where the span starts.
        from: f64,
        /// Label of the level where it ends; `None` is the data.
        to: Option<f64>,
    },
    /// A learned log-variance was asked for where the network was told the label of another level.
    #[error(
        "a learned log-variance belongs to the step from the level that the network was told, time {told}, not to \
         the step from time {time}: leave time shift away, or use a fixed variance, DDIM, or a network with a \
         learned range"
    )]
    VarianceOfAnotherLevel {
        /// Label of the level of the prediction.
        time: f64,
        /// Label that the network was told.
        told: f64,
    },
    /// A span starts elsewhere than at the level of the prediction.
    #[error(
        "the span starts at time {span} but the prediction was made at time {prediction}: \
         predict at the level where the span starts"
    )]
    SpanElsewhere {
        /// Label of the level where the span starts.
        span: f64,
        /// Label of the level of the prediction.
        prediction: f64,
    },
    /// A belief was to be relabelled as one at a level of another noise.
    #[error(
        "a prediction at sigma {prediction:?} cannot be relabelled as one at sigma {asked:?}: \
         give levels that differ in their time alone"
    )]
    OtherLevel {
        /// Sigma of the level of the prediction.
        prediction: f64,
        /// Sigma of the level asked for.
        asked: f64,
    },
    /// The number of levels is neither 1 nor the size of the batch.
    #[error("{levels} levels for a batch of {batch}: give one level, or one for each sample")]
    LevelCount {
        /// How many levels were given.
        levels: usize,
        /// Size of the batch.
        batch: usize,
    },
    /// The number of spans is neither 1 nor the size of the batch.
    #[error("{spans} spans for a batch of {batch}: give one span, or one for each sample")]
    SpanCount {
        /// How many spans were given.
        spans: usize,
        /// Size of the batch.
        batch: usize,
    },
    /// A network's output (or a changed belief) does not have the shape of `x`.
    #[error("a belief of shape {found:?} about x of shape {expected:?}: give the network as many output channels")]
    OutputShape {
        /// Shape of `x`.
        expected: Vec<usize>,
        /// Shape that was given.
        found: Vec<usize>,
    },
    /// The output of a network with a learned variance cannot be halved along its channels.
    #[error(
        "an output of shape {shape:?} has no second half of channels (dimension 1) for the variance: \
         give the network twice the channels of x, or use a fixed variance"
    )]
    NoVarianceChannels {
        /// Shape of the network's output.
        shape: Vec<usize>,
    },
    /// A learned variance was asked of a prediction without one.
    #[error("the model predicts no variance: use fixed small or fixed large, or a network with variance channels")]
    NoLearnedVariance,
    /// The standard deviation of exact data is negative or not finite.
    #[error("a standard deviation of {std:?} for the data: give a finite one that is not negative")]
    Std {
        /// The value given.
        std: f64,
    },
    /// The mean or a point of exact data is not finite.
    #[error("a coordinate of {value:?} in the data: give finite ones")]
    Coordinate {
        /// The value given.
        value: f64,
    },
    /// The weight of a mixture's component is not a positive number.
    #[error("a weight of {weight:?} for a component of the mixture: give a finite one above 0")]
    Weight {
        /// The value given.
        weight: f64,
    },
    /// A mixture without components, or a data set without samples.
    #[error("no data to know exactly: give one component or sample at least")]
    NoData,
    /// Exact data and `x` have samples of different sizes.
    #[error("x has {found} values in a sample, the known data {expected}: give data of the shape of x")]
    SampleSize {
        /// Values in one sample of the known data.
        expected: usize,
        /// Values in one sample given.
        found: usize,
    },
    /// A scale of eps is not a positive number.
    #[error("a scale of {scale:?} for eps: give k and b that make every scale finite and above 0, as 0 and 1.01 do")]
    EpsScale {
        /// The scale that was given or came out.
        scale: f64,
    },
    /// A level of a grid does not belong to the chain whose labels are to be shifted.
    #[error(
        "the level of time {time} is not in the chain of this time shift: \
         give a grid of that chain's own levels, with that chain's labels"
    )]
    OffChain {
        /// Label of the level that the chain does not have.
        time: f64,
    },
    /// The variance of a sample of fewer than two values.
    #[error("the spread of a sample cannot be told from {values} of its values: give two or more, or a window of 0")]
    NoSpread {
        /// Values in one sample.
        values: usize,
    },
    /// Some samples of a batch are pure noise and some are not.
    #[error(
        "a batch of which only some samples are pure noise goes to no one model: \
         ask about pure noise and about other levels separately"
    )]
    PartlyPureNoise,
    /// A network or a wrapper from elsewhere refuses, for a reason of its own.
    #[error("{method}: {source}")]
    Foreign {
        /// What refuses.
        method: String,
        /// Why.
        source: ForeignError,
    },
}

impl DenoiseError {
    /// The refusal of a network or a wrapper from elsewhere, under its name.
    pub fn foreign(method: impl Into<String>, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        DenoiseError::Foreign { method: method.into(), source: ForeignError::new(why) }
    }
}
