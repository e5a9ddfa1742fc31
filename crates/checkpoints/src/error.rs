//! What can be wrong with a checkpoint.

use undrift_networks::NetworkError;

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
    /// A setting that is needed, not given, and not to be seen from the tensors.
    #[error(
        "setting `{key}` is needed and cannot be seen from the tensors; give it in a configuration file or as a flag"
    )]
    SettingMissing {
        /// The key in the published code's words.
        key: String,
    },
    /// A network that a layout has no words for.
    #[error("the {layout} layout cannot express {what}; choose another layout")]
    Inexpressible {
        /// The layout.
        layout: &'static str,
        /// What is different, and how.
        what: String,
    },
    /// A configuration that makes no network, or weights of another one.
    #[error(transparent)]
    Network(#[from] NetworkError),
}
