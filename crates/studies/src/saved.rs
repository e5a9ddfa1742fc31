//! Files of a run directory: whole at any moment, and JSON.

use crate::RunError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::Path;

/// Writes a file so that a reader sees the old bytes or the new ones, never a part.
///
/// # Errors
/// [`RunError::Io`].
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    undrift_files::write_atomically(path, bytes).map_err(|source| RunError::Io {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

/// What a JSON file holds; `None` if there is no file.
///
/// # Errors
/// [`RunError::Damaged`] for a file of another form, [`RunError::Io`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RunError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| RunError::Damaged { path: path.to_owned(), why: e.to_string() }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RunError::Io { doing: "read", path: path.to_owned(), source }),
    }
}

/// Writes a value as JSON, whole or not at all.
///
/// # Errors
/// [`RunError::Io`].
///
/// # Panics
/// For a value that has no JSON form, as a map with keys that are no texts.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RunError> {
    let text = serde_json::to_string_pretty(value).expect("records have a JSON form");
    write_atomically(path, text.as_bytes())
}

pub(crate) fn create_folder(path: &Path) -> Result<(), RunError> {
    fs::create_dir_all(path).map_err(|source| RunError::Io { doing: "create", path: path.to_owned(), source })
}
