//! What a finished row and seed leaves behind: its scores, and what made them.

use super::{Cell, RunError, write_atomically};
use crate::report::SeedResult;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A finished row and seed (`result.json`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What computed it.
    pub build: Build,
    /// The scores.
    pub result: SeedResult,
}

/// What computed a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Version of undrift.
    pub version: String,
    /// Version of Burn.
    pub burn: String,
    /// Git commit of the source, with `+changes` if the tree had uncommitted changes.
    pub commit: String,
    /// Device.
    pub device: String,
}

/// Burn's version, which the workspace pins.
const BURN: &str = "0.22.1";

impl Build {
    /// This program on this device.
    pub fn here(device: &str) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            burn: BURN.to_owned(),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            device: device.to_owned(),
        }
    }
}

/// The commit of the source tree that this program was built from, if it is still there.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let id = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|lines| !lines.is_empty());
    Some(if changed { format!("{id}+changes") } else { id })
}

/// Seconds spent in the stages of a row and seed, over all of its runs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// Training.
    pub train: f64,
    /// Sampling.
    pub sample: f64,
}

impl Cell {
    /// The record, if the row and seed is finished.
    ///
    /// # Errors
    /// [`RunError::Damaged`] if the file is not a record.
    pub fn record(&self) -> Result<Option<Record>, RunError> {
        read_json(&self.result())
    }

    /// Writes the record, which makes the row and seed finished.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn finish(&self, record: &Record) -> Result<(), RunError> {
        write_json(&self.result(), record)
    }

    /// Seconds spent so far.
    ///
    /// # Errors
    /// [`RunError::Damaged`] if the file is not readable.
    pub fn spent(&self) -> Result<Timings, RunError> {
        Ok(read_json(&self.timings())?.unwrap_or_default())
    }

    /// Saves the seconds spent.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn save_spent(&self, timings: Timings) -> Result<(), RunError> {
        write_json(&self.timings(), &timings)
    }
}

pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, RunError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| RunError::Damaged { path: path.to_owned(), why: e.to_string() }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RunError::Io { doing: "read", path: path.to_owned(), source }),
    }
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RunError> {
    let text = serde_json::to_string_pretty(value).expect("records have a JSON form");
    write_atomically(path, text.as_bytes())
}
