//! Settings in a JSON file, as Python writes it.

use std::path::Path;

use serde_json::Value;

use crate::json::from_python;
use crate::{CheckpointError, Settings};

/// The settings of a JSON file.
///
/// Python writes `Infinity`, `-Infinity` and `NaN`, which are no JSON; they are kept as the strings of these words.
///
/// # Errors
///
/// [`CheckpointError::Sidecar`] for a file that cannot be read or holds no object.
pub fn read_settings(path: &Path) -> Result<Settings, CheckpointError> {
    let failed = |why: String| CheckpointError::Sidecar { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    match serde_json::from_str(&from_python(&text)).map_err(|e| failed(e.to_string()))? {
        Value::Object(object) => Ok(Settings::new(object)),
        other => Err(failed(format!("it holds {other}, not an object of settings"))),
    }
}
