//! What the user says about a checkpoint.

use crate::{Flags, Setting};
use std::path::{Path, PathBuf};
use undrift_checkpoints::file::Checkpoint;
use undrift_checkpoints::layouts::ermongroup;
use undrift_checkpoints::{CheckpointError, Given, Layout, Settings, read_settings, read_yaml};

/// What the user knows about a checkpoint; later fields count more.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Configuration in the published code's words, a JSON or YAML file, which takes the place of the one beside the
    /// weights.
    pub config: Option<PathBuf>,
    /// Flags as published READMEs have them.
    pub flags: Vec<Flags>,
    /// Settings one by one.
    pub set: Vec<Setting>,
    /// Weights of a file that holds several: `ema`, `raw`, or a name of the file's own.
    pub group: Option<String>,
}

impl Said {
    /// What was said, the file's settings overlaid by flags and these by settings one by one.
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
    pub(crate) fn given(&self, weights: &Path) -> Result<(Given, Option<Yml>), CheckpointError> {
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
pub(crate) fn scheduler_beside(weights: &Path) -> Result<Settings, CheckpointError> {
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
    fn what_is_said_later_counts_more() {
        let folder = tempfile::TempDir::new().unwrap();
        let config = folder.path().join("cifar10.yml");
        std::fs::write(&config, "model:\n  ch: 32\n  ch_mult: [1, 2]\n  var_type: fixedlarge\n").unwrap();
        let said = Said {
            config: Some(config),
            flags: vec!["--ch 64 --timesteps 50".parse().unwrap()],
            set: vec!["timesteps=20".parse().unwrap()],
            group: None,
        };
        let settings = said.settings().unwrap();
        assert_eq!(settings.get::<String>("var_type").unwrap().as_deref(), Some("fixedlarge"));
        assert_eq!((settings.get("ch").unwrap(), settings.get("timesteps").unwrap()), (Some(64), Some(20)));
        assert!(settings.value("model").is_none(), "parts would hide what is said later");
    }
}
