//! What the command line says about a checkpoint.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::flags::{Flags, literal};
use serde_json::Value;
use undrift_checkpoints::file::Checkpoint;
use undrift_checkpoints::layouts::ermongroup;
use undrift_checkpoints::{CheckpointError, Given, Layout, Settings, read_settings, read_yaml};

/// What the user knows about a checkpoint.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CheckpointArgs {
    /// Configuration in the published code's words, a JSON or YAML file; it counts more than the one beside the weights
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Flags as the published README has them, in quotes: "--image_size 64 --num_channels 128"; they count more than files
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    flags: Vec<Flags>,
    /// One setting of it, as `num_head_channels=64`; give it again for more; it counts most
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// Weights of a file that holds several: `ema`, `raw`, or a name that `inspect` shows [default: ema]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
}

/// One setting as it is written: `key=value`, the value in JSON, in Python or as plain text.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub(super) key: String,
    pub(super) value: Value,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Setting { key: key.to_owned(), value: literal(value) }),
            _ => Err("write KEY=VALUE, as num_head_channels=64 or channel_mult=[1,2,2]".to_owned()),
        }
    }
}

impl CheckpointArgs {
    /// A configuration and some settings.
    pub fn of(config: Option<PathBuf>, set: Vec<Setting>) -> Self {
        CheckpointArgs { config, flags: Vec::new(), set, group: None }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.config.is_none() && self.flags.is_empty() && self.set.is_empty() && self.group.is_none()
    }

    /// The same with other weights of the file.
    pub fn with_group(self, group: Option<&str>) -> Self {
        CheckpointArgs { group: group.map(str::to_owned).or(self.group), ..self }
    }

    pub(super) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// What was said, the file's settings overlaid by flags and these by those of `--set`.
    ///
    /// # Errors
    /// [`CheckpointError::Sidecar`] for a configuration that cannot be read.
    pub fn settings(&self) -> Result<Settings, CheckpointError> {
        let file = self.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let flags = self.flags.iter().flat_map(|flags| &flags.0);
        let said = flags.chain(&self.set).fold(Settings::default(), |said, one| said.with(&one.key, one.value.clone()));
        Ok(file.overlaid(&said))
    }

    /// What was said over what a `yml` file of DDIM's code says that lies beside weights of its layout; and that file.
    pub(super) fn given(&self, weights: &Path) -> Result<(Given, Option<Yml>), CheckpointError> {
        let beside = if self.config.is_none() { yml_beside(weights)? } else { None };
        let (weaker, yml) = beside.map_or((Settings::default(), None), |(settings, yml)| (settings, Some(yml)));
        let settings = weaker.overlaid(&self.settings()?);
        let replaces_sidecar = self.config.is_some();
        Ok((Given { settings, group: self.group.clone(), replaces_sidecar }, yml))
    }
}

/// A `yml` file beside weights of DDIM's layout.
pub enum Yml {
    /// It is of DDIM's code, and its settings count.
    Read(PathBuf),
    /// It has none of that code's parts, as the file of another program.
    PassedOver(PathBuf),
}

/// The settings of a file; parts of DDIM's code become settings without parts, so that later ones replace them.
fn read(path: &Path) -> Result<Settings, CheckpointError> {
    let settings = if is_yml(path) { read_yaml(path)? } else { read_settings(path)? };
    if ermongroup::has_parts(&settings) { ermongroup::flattened(&settings) } else { Ok(settings) }
}

fn is_yml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yml" || end == "yaml")
}

/// The settings of `X.yml` or `config.yml` beside weights `X.ckpt` of DDIM's layout; none if it is not of its code.
fn yml_beside(weights: &Path) -> Result<Option<(Settings, Yml)>, CheckpointError> {
    let own = ["yml", "yaml"].map(|end| weights.with_extension(end));
    let shared = ["config.yml", "config.yaml"].map(|name| weights.with_file_name(name));
    let found = own.into_iter().chain(shared).find(|path| path.is_file() && weights.is_file());
    let Some(path) = found.filter(|_| is_of_ddims_code(weights)) else { return Ok(None) };
    let settings = read_yaml(&path)?;
    if !ermongroup::has_parts(&settings) {
        return Ok(Some((Settings::default(), Yml::PassedOver(path))));
    }
    Ok(Some((ermongroup::flattened(&settings)?, Yml::Read(path))))
}

fn is_of_ddims_code(weights: &Path) -> bool {
    let layout = |file: &Checkpoint, group: &str| {
        Layout::of(&file.tensors(group).iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect())
    };
    Checkpoint::open(weights)
        .is_ok_and(|file| file.groups().into_iter().any(|group| layout(&file, group) == Some(Layout::Ermongroup)))
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
const SCHEDULER: &str = "scheduler_config.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_or_text() {
        let value = |text: &str| text.parse::<Setting>().unwrap().value;
        assert_eq!(value("num_heads=4"), Value::from(4));
        assert_eq!(value("channel_mult=[1,2]"), serde_json::json!([1, 2]));
        assert_eq!(value("attention_resolutions=16,8"), Value::from("16,8"));
        assert_eq!((value("learn_sigma=True"), value("use_ddim=False")), (Value::Bool(true), Value::Bool(false)));
        assert_eq!(value("attention_head_dim=None"), Value::Null);
        assert!("num_heads".parse::<Setting>().is_err());
        assert!("=4".parse::<Setting>().is_err());
    }

    #[test]
    fn what_is_said_later_counts_more() {
        let folder = tempfile::TempDir::new().unwrap();
        let config = folder.path().join("cifar10.yml");
        std::fs::write(&config, "model:\n  ch: 32\n  ch_mult: [1, 2]\n  var_type: fixedlarge\n").unwrap();
        let args = CheckpointArgs {
            config: Some(config),
            flags: vec!["--ch 64 --timesteps 50".parse().unwrap()],
            set: vec!["timesteps=20".parse().unwrap()],
            group: None,
        };
        let settings = args.settings().unwrap();
        assert_eq!(settings.get::<String>("var_type").unwrap().as_deref(), Some("fixedlarge"));
        assert_eq!((settings.get("ch").unwrap(), settings.get("timesteps").unwrap()), (Some(64), Some(20)));
        assert!(settings.value("model").is_none(), "parts would hide what is said later");
    }
}
