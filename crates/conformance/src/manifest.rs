//! `MANIFEST.json`: the names and hashes of the files of a directory of golden vectors.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ConformanceError;
use crate::fault::{FaultKind, MANIFEST};
use crate::folder::{files_below, name_of};

/// What the files of a directory are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// SHA-256 in hexadecimal digits, by path below the directory; documents for people are not listed.
    pub sha256: BTreeMap<String, String>,
}

/// How a directory differs from its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, below the directory.
    pub file: String,
    /// What is wrong with it.
    pub what: FaultKind,
}

impl Manifest {
    /// Of the files that are there.
    ///
    /// # Errors
    /// [`ConformanceError::Read`] for what cannot be read.
    pub fn of(fixtures: &Path) -> Result<Self, ConformanceError> {
        let mut sha256 = BTreeMap::new();
        for path in files_below(fixtures)? {
            let name = name_of(fixtures, &path).replace(std::path::MAIN_SEPARATOR, "/");
            if name != MANIFEST && path.file_name().is_none_or(|name| name != "README.md") {
                let bytes = std::fs::read(&path).map_err(|source| ConformanceError::Read { path, source })?;
                let digits = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                sha256.insert(name, digits);
            }
        }
        Ok(Manifest { sha256 })
    }

    /// That of a directory, if it has one.
    ///
    /// # Errors
    /// [`ConformanceError::Read`], and [`ConformanceError::Manifest`] for a file of another form.
    pub fn read(fixtures: &Path) -> Result<Option<Self>, ConformanceError> {
        let path = fixtures.join(MANIFEST);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|source| ConformanceError::Read { path: path.clone(), source })?;
        serde_json::from_str(&text).map(Some).map_err(|source| ConformanceError::Manifest { path, source })
    }

    /// Writes it into a directory.
    ///
    /// # Errors
    /// [`ConformanceError::Write`].
    pub fn write(&self, fixtures: &Path) -> Result<(), ConformanceError> {
        let path = fixtures.join(MANIFEST);
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other);
        let written = text.and_then(|text| std::fs::write(&path, text + "\n"));
        written.map_err(|source| ConformanceError::Write { path, source })
    }

    /// How what is there differs from what is listed, file by file; of one folder, if it is named.
    pub fn faults(&self, there: &Manifest, folder: Option<&str>) -> Vec<Fault> {
        let within = |file: &&String| folder.is_none_or(|folder| file.starts_with(&format!("{folder}/")));
        let fault = |file: &String| {
            let what = match (self.sha256.get(file), there.sha256.get(file)) {
                (Some(_), None) => FaultKind::Missing,
                (None, Some(_)) => FaultKind::Unlisted,
                (listed, found) if listed != found => FaultKind::Changed,
                _ => return None,
            };
            Some(Fault { file: file.clone(), what })
        };
        let unlisted = there.sha256.keys().filter(|file| !self.sha256.contains_key(*file));
        self.sha256.keys().chain(unlisted).filter(within).filter_map(fault).collect()
    }
}
