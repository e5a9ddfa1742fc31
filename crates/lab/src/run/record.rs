//! What a finished row and seed leaves behind: its scores, and what made them.

use super::{Cell, RowInputs, RunError, write_atomically};
use crate::report::SeedResult;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// A finished row and seed (`result.json`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What computed it.
    pub build: Build,
    /// Hashes of the images and the extractor; none in a record of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<RowInputs>,
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
    /// Git commit of the source that the program was built from, with `+changes` if the tree had uncommitted ones;
    /// `unknown` for a source without git.
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
            commit: env!("UNDRIFT_COMMIT").to_owned(),
            device: device.to_owned(),
        }
    }
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
    /// [`RunError::NotHeld`] and [`RunError::Io`].
    pub fn finish(&self, record: &Record) -> Result<(), RunError> {
        self.check_held()?;
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
    /// [`RunError::NotHeld`] and [`RunError::Io`].
    pub fn save_spent(&self, timings: Timings) -> Result<(), RunError> {
        self.check_held()?;
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
