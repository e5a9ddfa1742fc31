//! The loss file of a row: one JSON object per line, never ahead of the checkpoint after a restart.

use crate::RunError;
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
    /// Opens the file and drops the records after `step`, which a restarted training computes again, and with them a
    /// last line that a crash has cut off.
    ///
    /// # Errors
    /// [`RunError::DamagedLine`] and [`RunError::Io`].
    pub fn open(path: &Path, step: u64) -> Result<Self, RunError> {
        let records = whole_lines(&text(path)?, path)?;
        let kept: String =
            records.iter().filter(|record| record.step <= step).map(|record| line(record) + "\n").collect();
        crate::write_atomically(path, kept.as_bytes())?;
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

/// All records of a file; none if there is no file.
///
/// # Errors
/// [`RunError::DamagedLine`] for a line that is no whole record, [`RunError::Io`].
pub fn read(path: &Path) -> Result<Vec<LossRecord>, RunError> {
    let text = text(path)?;
    let records = whole_lines(&text, path)?;
    if text.is_empty() || text.ends_with(b"\n") { Ok(records) } else { Err(cut_off(path, records.len() + 1)) }
}

fn text(path: &Path) -> Result<Vec<u8>, RunError> {
    match std::fs::read(path) {
        Ok(text) => Ok(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(RunError::Io { doing: "read", path: path.to_owned(), source }),
    }
}

/// The records of all lines that have their line break, each after the one before.
fn whole_lines(text: &[u8], path: &Path) -> Result<Vec<LossRecord>, RunError> {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut records: Vec<LossRecord> = Vec::new();
    for (index, line) in text[..end].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let damaged = |why: String| RunError::DamagedLine { path: path.to_owned(), line: index + 1, why };
        let record: LossRecord = serde_json::from_slice(line).map_err(|e| damaged(e.to_string()))?;
        if let Some(before) = records.last().filter(|before| before.step >= record.step) {
            return Err(damaged(format!("step {} follows step {}", record.step, before.step)));
        }
        records.push(record);
    }
    Ok(records)
}

fn cut_off(path: &Path, line: usize) -> RunError {
    RunError::DamagedLine { path: path.to_owned(), line, why: "it is cut off".to_owned() }
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

    #[test]
    fn a_damaged_file_is_an_error_that_names_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("losses.jsonl");
        let good = |step: u64| format!("{{\"step\": {step}, \"loss\": 0.5, \"gradient_norm\": 1.0}}\n");
        for (text, at) in [
            (format!("\u{0}\u{0}\n{}{}", good(2), good(3)), 1),
            (format!("{}garbage\n{}", good(1), good(3)), 2),
            (format!("{}\n{}", good(1), good(3)), 2),
            (format!("{}{}{}", good(1), good(3), good(2)), 3),
            (format!("{}{}{{\"step\": 3}}\n", good(1), good(2)), 3),
        ] {
            std::fs::write(&path, &text).unwrap();
            for error in [read(&path).unwrap_err(), LossFile::open(&path, 9).err().unwrap()] {
                let error = error.to_string();
                assert!(error.contains("losses.jsonl") && error.contains(&format!("line {at}:")), "{text}: {error}");
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "nothing is overwritten");
        }
        std::fs::write(&path, [0xff, 0xfe, b'\n']).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1:"));
        std::fs::write(&path, good(1) + "{\"step\": 2, \"lo").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 2: it is cut off"));
        LossFile::open(&path, 9).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1, "going on repairs what a crash has cut off");
    }
}
