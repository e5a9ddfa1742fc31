//! The files of one row and seed.

use crate::lock::Lock;
use crate::saved::{create_folder, read_json, write_json};
use crate::{Record, RunError, Timings, WeightSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of one row and seed.
#[derive(Clone, Debug)]
pub struct Cell {
    folder: PathBuf,
    lock: Option<Arc<Lock>>,
}

impl Cell {
    /// The files in this folder, written under the lock of their run directory.
    pub(crate) fn new(folder: PathBuf, lock: Option<Arc<Lock>>) -> Self {
        Self { folder, lock }
    }

    /// Makes the folder.
    ///
    /// # Errors
    /// [`RunError::NotHeld`] and [`RunError::Io`].
    pub fn create(&self) -> Result<(), RunError> {
        self.check_held()?;
        create_folder(&self.folder)
    }

    /// Refuses to write where this process does not hold the run directory, or does not hold it any more.
    ///
    /// # Errors
    /// [`RunError::NotHeld`].
    pub fn check_held(&self) -> Result<(), RunError> {
        Lock::check_held(self.lock.as_deref(), &self.folder)
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the scores, and the samples if `samples`; the trained weights stay.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub(crate) fn forget(&self, samples: bool) -> Result<(), RunError> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(()) };
        let drawn = |path: &Path| {
            samples && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("samples-"))
        };
        let all = entries.filter_map(|entry| Some(entry.ok()?.path()));
        for path in all.filter(|path| *path == self.result() || *path == self.scores() || drawn(path)) {
            fs::remove_file(&path).map_err(|source| RunError::Io { doing: "remove", path, source })?;
        }
        Ok(())
    }

    /// Training state: raw weights, moving average, Adam's moments, step.
    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// One JSON object per record: step and loss.
    pub fn losses(&self) -> PathBuf {
        self.folder.join("losses.jsonl")
    }

    /// Samples as bytes 0..=255, NCHW, appended batch by batch.
    pub fn samples(&self, weights: WeightSet) -> PathBuf {
        self.folder.join(format!("samples-{}.u8", weights.in_files()))
    }

    /// The first samples as a picture.
    pub fn grid(&self, weights: WeightSet) -> PathBuf {
        self.folder.join(format!("samples-{}.png", weights.in_files()))
    }

    /// Scores of samplers, in a study of exposure bias.
    pub fn scores(&self) -> PathBuf {
        self.folder.join("scores.json")
    }

    /// All samples of a sampler as bytes 0..=255, NCHW, where this program cannot score them.
    pub fn samples_of(&self, sampler: &str) -> PathBuf {
        let words = sampler.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        self.folder.join(format!("samples-{}.u8", words.collect::<Vec<_>>().join("-")))
    }

    /// The first samples of a sampler as a picture.
    pub fn picture_of(&self, sampler: &str) -> PathBuf {
        self.samples_of(sampler).with_extension("png")
    }

    /// Seconds spent so far in finished stages.
    pub fn timings(&self) -> PathBuf {
        self.folder.join("timings.json")
    }

    /// The scores; present if and only if the cell is finished.
    pub fn result(&self) -> PathBuf {
        self.folder.join("result.json")
    }

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
