//! A checkpoint of any kind, opened: a published one, or one of a run of ours.

use super::row::process_of_row;
use crate::methods::{MethodError, Methods};
use crate::recipe::{Settings as RowSettings, WeightSet};
use crate::run::{NETWORK, SETTINGS};
use burn::tensor::{DType, Device};
use std::path::{Path, PathBuf};
use undrift_checkpoints::file::Checkpoint;
use undrift_checkpoints::{Assumed, CheckpointError, Network, NetworkConfig, Published};
use undrift_networks::{DdpmUnetConfig, apply_parameters};
use undrift_noise::{Key, Purpose};
use undrift_pipelines::{Pipeline, Process, Said, Yml};
use undrift_training::{TrainError, TrainState};

/// A checkpoint that is understood; its weights are not read yet.
pub struct Opened {
    /// Which network it holds.
    pub config: NetworkConfig,
    /// The forward process that it was trained with.
    pub process: Process,
    /// What was taken for the network where neither tensors nor settings say anything.
    pub assumed: Vec<Assumed>,
    /// A `yml` file beside the weights.
    pub beside: Option<Yml>,
    /// Where its weights are.
    pub weights: Weights,
}

/// Where the weights of a checkpoint are.
pub enum Weights {
    /// In a published checkpoint.
    Published(Box<Published>),
    /// In a training state of ours.
    Trained {
        /// The file.
        path: PathBuf,
        /// The moving average or the last step's.
        set: WeightSet,
        /// The resolved settings of its row, in TOML.
        settings: String,
    },
}

/// What can be wrong with a checkpoint that a command was given.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// A published checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A training state of ours.
    #[error(transparent)]
    State(#[from] TrainError),
    /// A training state without the network that it is of.
    #[error(
        "{} does not say which network it holds, as it was written by an older version or by a program of its own; of a run \
         name the directory and --row, else `undrift inspect` shows its parameters",
        path.display()
    )]
    NoNetwork {
        /// The file.
        path: PathBuf,
    },
    /// A training state of a row with a method that is not known here, or that no published code has.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// Weights that a training state does not have.
    #[error("a training state has the weights `ema` and `raw`, not `{group}`")]
    NoGroup {
        /// What was asked for.
        group: String,
    },
}

impl Opened {
    /// Opens a file, or a folder as diffusers writes it.
    ///
    /// # Errors
    /// [`PublishedError`]: a file that cannot be read or is no checkpoint, settings that are missing, unknown or those
    /// of another network.
    pub fn new(methods: &Methods, path: &Path, said: &Said) -> Result<Self, PublishedError> {
        if is_training_state(path) {
            return Opened::trained(methods, path, said.group.as_deref());
        }
        let Pipeline { published, process, assumed, beside } = Pipeline::open(path, said)?;
        let config = published.config().clone();
        Ok(Opened { config, process, assumed, beside, weights: Weights::Published(Box::new(published)) })
    }

    fn trained(methods: &Methods, path: &Path, group: Option<&str>) -> Result<Self, PublishedError> {
        let set = match group {
            None | Some("ema") => WeightSet::Ema,
            Some("raw") => WeightSet::Raw,
            Some(other) => return Err(PublishedError::NoGroup { group: other.to_owned() }),
        };
        let file = Checkpoint::open(path).map_err(CheckpointError::from)?;
        let note = |key: &str| file.metadata().get(&format!("note.{key}"));
        let missing = || PublishedError::NoNetwork { path: path.to_owned() };
        let settings = note(SETTINGS).ok_or_else(missing)?.clone();
        let row: RowSettings = toml::from_str(&settings).map_err(|_| missing())?;
        let unet: DdpmUnetConfig =
            note(NETWORK).and_then(|text| serde_json::from_str(text).ok()).ok_or_else(missing)?;
        let weights = Weights::Trained { path: path.to_owned(), set, settings };
        let (config, process) = (NetworkConfig::Ddpm(unet), process_of_row(methods, &row)?);
        Ok(Opened { config, process, assumed: Vec::new(), beside: None, weights })
    }

    /// Why its images are latents, where what lies beside its weights says so.
    pub fn latent(&self) -> Option<&str> {
        match &self.weights {
            Weights::Published(published) => published.latent(),
            Weights::Trained { .. } => None,
        }
    }

    /// The network with its weights, in `precision` (single alone for a training state of ours).
    ///
    /// # Errors
    /// Those of reading the weights.
    pub fn load(&self, device: &Device, precision: DType) -> Result<Network, PublishedError> {
        match (&self.weights, &self.config) {
            (Weights::Published(published), _) => Ok(published.load(device, precision)?),
            (Weights::Trained { path, set, .. }, NetworkConfig::Ddpm(unet)) => {
                let state = TrainState::load(path)?;
                let parameters = match set {
                    WeightSet::Ema => state.averaged(),
                    WeightSet::Raw => state.raw(),
                };
                let network = unet.init(device, Key::new(0, Purpose::Initialisation));
                let network = network.and_then(|network| apply_parameters(network, parameters));
                Ok(Network::Ddpm(network.map_err(CheckpointError::from)?))
            }
            (Weights::Trained { path, .. }, _) => Err(PublishedError::NoNetwork { path: path.clone() }),
        }
    }
}

/// Whether a file is a training state of ours, by its header.
fn is_training_state(path: &Path) -> bool {
    path.is_file() && Checkpoint::open(path).is_ok_and(|file| file.metadata().contains_key("training_step"))
}
