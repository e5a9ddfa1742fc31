//! What the command line says about a checkpoint.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::Value;
use undrift_checkpoints::{CheckpointError, Given, Settings, read_settings};

/// What the user knows about a checkpoint.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CheckpointArgs {
    /// Configuration in the published code's words, a JSON file; it counts more than the one beside the weights
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting of it, as `num_head_channels=64`; give it again for more; it counts most
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// Weights of a file that holds several: `ema`, `raw`, or a name that `inspect` shows [default: ema]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
}

/// One setting as it is written: `key=value`, the value in JSON or as plain text.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    key: String,
    value: Value,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
                Ok(Setting { key: key.to_owned(), value })
            }
            _ => Err("write KEY=VALUE, as num_head_channels=64 or channel_mult=[1,2,2]".to_owned()),
        }
    }
}

impl CheckpointArgs {
    /// A configuration and some settings.
    pub fn of(config: Option<PathBuf>, set: Vec<Setting>) -> Self {
        CheckpointArgs { config, set, group: None }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.config.is_none() && self.set.is_empty() && self.group.is_none()
    }

    /// The same with other weights of the file.
    pub fn with_group(self, group: Option<&str>) -> Self {
        CheckpointArgs { group: group.map(str::to_owned).or(self.group), ..self }
    }

    pub(super) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// What was said, the file's settings overlaid by those of the command line.
    ///
    /// # Errors
    /// [`CheckpointError::Sidecar`] for a configuration that cannot be read.
    pub fn settings(&self) -> Result<Settings, CheckpointError> {
        let file = self.config.as_deref().map(read_settings).transpose()?.unwrap_or_default();
        let set = self.set.iter().fold(Settings::default(), |set, one| set.with(&one.key, one.value.clone()));
        Ok(file.overlaid(&set))
    }

    pub(super) fn given(&self) -> Result<Given, CheckpointError> {
        let replaces_sidecar = self.config.is_some();
        Ok(Given { settings: self.settings()?, group: self.group.clone(), replaces_sidecar })
    }
}

/// The settings of diffusers' scheduler beside a checkpoint, or in the folder that the published pipelines have for it.
///
/// # Errors
/// [`CheckpointError::Sidecar`] for a file that cannot be read.
pub(super) fn scheduler_beside(weights: &Path) -> Result<Settings, CheckpointError> {
    let folder = weights.parent().unwrap_or(Path::new("."));
    let places = [folder.join(SCHEDULER), folder.join("..").join("scheduler").join(SCHEDULER)];
    match places.iter().find(|place| place.is_file()) {
        Some(place) => read_settings(place),
        None => Ok(Settings::default()),
    }
}

/// What diffusers calls the file of its scheduler.
pub const SCHEDULER: &str = "scheduler_config.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_or_text() {
        let value = |text: &str| text.parse::<Setting>().unwrap().value;
        assert_eq!(value("num_heads=4"), Value::from(4));
        assert_eq!(value("channel_mult=[1,2]"), serde_json::json!([1, 2]));
        assert_eq!(value("attention_resolutions=16,8"), Value::from("16,8"));
        assert!("num_heads".parse::<Setting>().is_err());
        assert!("=4".parse::<Setting>().is_err());
    }
}
