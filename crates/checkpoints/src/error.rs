//! What can be wrong with a checkpoint.

use std::path::PathBuf;

use undrift_files::WeightsError;
use undrift_networks::NetworkError;

use crate::file::FileError;

/// What can be wrong with a checkpoint, its layout or its configuration.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A setting whose value cannot be read.
    #[error("setting `{key}` is {value}: {expected}")]
    Setting {
        /// The key in the published code's words.
        key: String,
        /// Its value as given.
        value: String,
        /// What is wrong with it.
        expected: String,
    },
    /// Several faults of one file.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<CheckpointError>),
    /// A setting that is needed, not given, and not to be seen from the tensors.
    #[error(
        "setting `{key}` is needed, not given, and no tensor shows it; give it in a configuration file or as a flag"
    )]
    SettingMissing {
        /// The key in the published code's words.
        key: String,
    },
    /// A configuration that makes no network, or weights of another one.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Weights that cannot be put into a safetensors file.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A tensor without which the configuration cannot be told.
    #[error("there is no tensor `{name}` of the right shape, without which the configuration cannot be told")]
    Absent {
        /// Its name.
        name: String,
    },
    /// A file that is no checkpoint, or a damaged one.
    #[error(transparent)]
    File(#[from] FileError),
    /// Tensors whose names belong to no known layout.
    #[error(
        "{} holds tensors of no known layout ({names}); known are the U-Nets of DDPM (diffusers, ermongroup), of \
         guided-diffusion and its classifier, and DiT", path.display()
    )]
    UnknownLayout {
        /// The file.
        path: PathBuf,
        /// The first names in it.
        names: String,
    },
    /// A group of tensors that the file does not have.
    #[error("{} has no weights called `{group}`; it has: {groups}", path.display())]
    UnknownGroup {
        /// The file.
        path: PathBuf,
        /// The group asked for.
        group: String,
        /// Those it has.
        groups: String,
    },
    /// A folder without a file of weights.
    #[error(
        "the folder {} holds no diffusion_pytorch_model.safetensors, .bin or .pt, nor does a folder unet in it (it \
         holds {holds}); name the file of weights itself", path.display()
    )]
    NoWeights {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        holds: String,
    },
    /// One of several files of weights, without the index that names the others.
    #[error(
        "{shard} is one of several files in {}; give the folder or the index beside it, which ends in .index.json",
        path.display()
    )]
    NoIndex {
        /// The folder.
        path: PathBuf,
        /// The file.
        shard: String,
    },
    /// Something else than a network that can be sampled here.
    #[error("{} is or holds {what}; {remedy}", path.display())]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What can be done.
        remedy: &'static str,
    },
    /// A network that wants other channels beside the noisy image.
    #[error(
        "the network of {} takes `in_channels` = {takes} channels and gives {gives}: it wants channels beside those of \
         the noisy image, as a super-resolution network wants a low-resolution image; only networks that take a noisy \
         image alone are sampled here", path.display()
    )]
    Concatenated {
        /// The file.
        path: PathBuf,
        /// Channels of its input.
        takes: usize,
        /// Channels of its output.
        gives: usize,
    },
    /// Tensors in a list, of which only a configuration can say what they are.
    #[error(
        "`{list}` of {} is a list of {count} tensors without names, in the order of a network's parameters; give the \
         configuration of that network in config.json beside it or with --config", path.display()
    )]
    Unnamed {
        /// The file.
        path: PathBuf,
        /// The list's name in it.
        list: String,
        /// Its tensors.
        count: usize,
    },
    /// A setting that is needed, where what lies beside the weights is the configuration of something else.
    #[error(
        "setting `{key}` is needed, not given, and no tensor shows it; {} was passed over, as no word of it is a \
         network's ({keys}); give the network's configuration with --config, or the setting with --set", path.display()
    )]
    Unconfigured {
        /// The key in the published code's words.
        key: String,
        /// The file that was passed over.
        path: PathBuf,
        /// Keys that it has.
        keys: String,
    },
    /// A configuration beside the weights that cannot be read.
    #[error("cannot read the configuration {}: {why}; correct it, or give another with --config", path.display())]
    Sidecar {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Tensors that are not those of the configuration.
    #[error("the tensors of {} are not those of its configuration: {source}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The table of differences.
        source: NetworkError,
    },
    /// A weight that is NaN or infinite.
    #[error("tensor `{name}` of {} is not finite at index {index}; the file is damaged or its training diverged", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Flat index, row-major.
        index: usize,
    },
    /// A network that a layout has no words or names for.
    #[error("the layout `{layout}` cannot hold {what}; choose another layout")]
    Inexpressible {
        /// The layout.
        layout: &'static str,
        /// What it cannot hold.
        what: String,
    },
    /// A place where files of another model are.
    #[error(
        "{} has {} of another model, which would be read beside what is written; remove them, or choose another place",
        path.display(), files.join(", ")
    )]
    Occupied {
        /// The file or folder that was to be written.
        path: PathBuf,
        /// The files that are in the way.
        files: Vec<String>,
    },
    /// A file that could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl CheckpointError {
    /// All faults as one error; none is no error.
    ///
    /// # Errors
    /// The only fault, or [`CheckpointError::Several`].
    pub fn all(mut faults: Vec<CheckpointError>) -> Result<(), CheckpointError> {
        match faults.len() {
            0 => Ok(()),
            1 => Err(faults.remove(0)),
            _ => Err(CheckpointError::Several(faults)),
        }
    }

    /// A setting whose value is none of those that are known.
    pub fn unknown(key: &str, value: &str, known: &str) -> Self {
        CheckpointError::Setting {
            key: key.to_owned(),
            value: value.to_owned(),
            expected: format!("known are {known}"),
        }
    }
}
