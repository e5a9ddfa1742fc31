//! The loss file of a row: one JSON object per line, never ahead of the checkpoint after a restart.

use super::RunError;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One line of `losses.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossRecord {
    /// Steps done.
    pub step: u64,
    /// Mean loss of the steps since the last record.
    pub loss: f64,
    /// Global gradient norm of the last of them, before clipping.
    pub gradient_norm: f64,
}

/// An open loss file.
pub struct LossFile {
    path: PathBuf,
    file: File,
}

impl LossFile {
    /// Opens the file and drops the records after `step`, which a restarted training computes again.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn open(path: &Path, step: u64) -> Result<Self, RunError> {
        let kept: String =
            read(path)?.iter().filter(|record| record.step <= step).map(|record| line(record) + "\n").collect();
        super::write_atomically(path, kept.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(|source| RunError::Io {
            doing: "open",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn append(&mut self, record: &LossRecord) -> Result<(), RunError> {
        writeln!(self.file, "{}", line(record)).map_err(|source| self.failed(source))
    }

    /// Forces the records to the disk, before a checkpoint that says they are there.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn sync(&self) -> Result<(), RunError> {
        self.file.sync_data().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> RunError {
        RunError::Io { doing: "write", path: self.path.clone(), source }
    }
}

fn line(record: &LossRecord) -> String {
    serde_json::to_string(record).expect("a record has a JSON form")
}

/// All whole records of a file; none if there is no file. A line cut off by a crash is not a record.
///
/// # Errors
/// [`RunError::Io`].
pub fn read(path: &Path) -> Result<Vec<LossRecord>, RunError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(RunError::Io { doing: "read", path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_after_the_checkpoint_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("losses.jsonl");
        let record = |step| LossRecord { step, loss: 0.1 * step as f64, gradient_norm: 1.0 };
        let mut file = LossFile::open(&path, 0).unwrap();
        [1, 2, 3].iter().for_each(|&step| file.append(&record(step)).unwrap());
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"step\": 4, \"lo").unwrap();
        let mut file = LossFile::open(&path, 2).unwrap();
        file.append(&record(3)).unwrap();
        assert_eq!(read(&path).unwrap(), [record(1), record(2), record(3)]);
    }
}
