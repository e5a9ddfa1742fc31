//! What can stop a training run.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use undrift_files::WeightsError;
use undrift_networks::NetworkError;

/// Any error, such as a loss may have.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a network could not be trained further.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting of the optimisation lies outside its range.
    #[error("{name} is {value:?}; it must be {range}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The values that are allowed.
        range: &'static str,
    },
    /// The loss could not be computed.
    #[error("the loss of step {step} could not be computed: {source}")]
    Loss {
        /// Number of the step, from 0.
        step: u64,
        /// What the loss said.
        source: BoxError,
    },
    /// The loss or the gradient is NaN or infinite; the weights are those of the step before.
    #[error("{quantity} is {value} at step {step}; a smaller learning rate or a longer warm-up may help")]
    NonFinite {
        /// Number of the step, from 0.
        step: u64,
        /// `loss` or `gradient norm`.
        quantity: &'static str,
        /// NaN or an infinity.
        value: f64,
    },
    /// The loss does not depend on any parameter.
    #[error(
        "the loss of step {step} does not depend on any parameter: make it of what the network in training answers, not of \
         an average or of detached tensors"
    )]
    Untracked {
        /// Number of the step, from 0.
        step: u64,
    },
    /// A name of a moving average that no file can hold, or that there is already.
    #[error("an average cannot be called `{name}`: a name is letters, digits, `_` and `-`, and names one average")]
    AverageName {
        /// The name.
        name: String,
    },
    /// A state with other moving averages than the trainer has.
    #[error(
        "the state has the moving averages {found:?} beside the first, the trainer {expected:?}; train with those of the state"
    )]
    Averages {
        /// Names that the trainer has.
        expected: Vec<String>,
        /// Names that the state has.
        found: Vec<String>,
    },
    /// The saved parameters are not those of this network.
    #[error(transparent)]
    Weights(#[from] NetworkError),
    /// The parameters cannot be put into a file.
    #[error(transparent)]
    Unwritable(#[from] WeightsError),
    /// A file is no safetensors file, or not all of it.
    #[error("{}: {source}; the file is damaged, start again or take an older one", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What its reader said.
        source: WeightsError,
    },
    /// A file holds no state of a training run.
    #[error("{}: no state of a training run: {lacking} is missing; weights alone cannot be trained further", path.display())]
    NoTrainState {
        /// The file.
        path: PathBuf,
        /// A tensor or an entry that every state has and this file has not.
        lacking: String,
    },
    /// A file holds a tensor that is no part of a training run's state.
    #[error("{}: tensor {name} is no part of the state of a training run", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        name: String,
    },
    /// The weights, average and moments of one parameter do not fit together.
    #[error("{}: tensor {name} has another shape or element type than the weights it belongs to", path.display())]
    PartsDiffer {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        name: String,
    },
    /// Saved parameters have another element type than this network.
    #[error("parameter {name} was saved as {found} but this network holds {expected}")]
    ElementType {
        /// Name of the parameter.
        name: String,
        /// Element type of the network.
        expected: String,
        /// Element type in the state.
        found: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written; an older file of that name is untouched.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Refuses a setting that is not within its range.
pub(crate) fn within(name: &'static str, value: f64, range: &'static str, is_within: bool) -> Result<(), TrainError> {
    if is_within { Ok(()) } else { Err(TrainError::Setting { name, value, range }) }
}
