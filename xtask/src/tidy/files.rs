//! Files and folders of the repository.

use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// The source files below a folder.
pub(super) fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in list(folder)? {
        if entry.is_dir() && !entry.ends_with("target") {
            found.extend(sources(&entry)?);
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            found.push(entry);
        }
    }
    Ok(found)
}

/// What a folder holds, in order.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e| Failure::Message(format!("{}: {e}", folder.display()));
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    entries.sort();
    Ok(entries)
}

/// The text of a file.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| Failure::Message(format!("{}: {e}", file.display())))
}
