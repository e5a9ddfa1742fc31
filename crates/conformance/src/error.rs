//! Why golden vectors cannot be run.

use std::error::Error;
use std::path::PathBuf;

use thiserror::Error as ThisError;

/// Why a conformance run could not be made at all.
#[derive(Debug, ThisError)]
pub enum ConformanceError {
    /// The directory of fixtures does not exist.
    #[error("no directory {}; name one that holds golden vectors with --fixtures DIR", path.display())]
    MissingDirectory {
        /// The directory asked for.
        path: PathBuf,
    },
    /// The directory, or the group asked for, holds no file to check.
    #[error("{} holds no golden vectors; a run that checks nothing does not pass", path.display())]
    Empty {
        /// The directory that was searched.
        path: PathBuf,
    },
    /// The group asked for is none of the known ones.
    #[error("unknown group `{name}`; the groups are {known}")]
    UnknownGroup {
        /// The name asked for.
        name: String,
        /// The known names, comma separated.
        known: String,
    },
    /// A directory could not be listed, or the report could not be written.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The report could not be printed.
    #[error("cannot print the report: {source}")]
    Print {
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why one fixture, or one item of it, gave no comparison.
#[derive(Debug, ThisError)]
pub(super) enum FixtureError {
    #[error("{0}")]
    NotCovered(String),
    /// What a file asks for is understood, and known not to exist here.
    #[error("{0}")]
    Absent(String),
    #[error("cannot read {}: {source}; restore the file", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not JSON: {source}", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("the tensors of {} are missing: {source}", path.display())]
    MissingTensors { path: PathBuf, source: std::io::Error },
    #[error("{} is not a safetensors file: {source}", path.display())]
    SafeTensors { path: PathBuf, source: safetensors::SafeTensorError },
    #[error("the sidecar has no field `{field}`")]
    NoField { field: String },
    #[error("field `{field}` of the sidecar is not {expected}")]
    WrongField { field: String, expected: &'static str },
    #[error("the tensors have no sidecar `{field}` that says what they are")]
    NoSidecar { field: String },
    #[error("nothing of this file was compared; its sidecar lists no result")]
    NothingCompared,
    #[error("the folder is empty; restore its files or remove it")]
    EmptyFolder,
    #[error("there is no tensor `{name}`, which the sidecar or its method needs")]
    NoTensor { name: String },
    #[error("tensor `{name}` has shape {found:?}, expected {expected}")]
    WrongShape { name: String, found: Vec<usize>, expected: String },
    #[error("tensor `{name}` has element type {found}, which is not read here")]
    WrongType { name: String, found: String },
    #[error("our code panicked, so that the inputs do not fit each other: {0}")]
    Panicked(String),
    #[error("our code refuses what the published code accepts: {0}")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl FixtureError {
    /// For `map_err` of this project's own errors.
    pub(super) fn refused(error: impl Error + Send + Sync + 'static) -> Self {
        FixtureError::Refused(Box::new(error))
    }
}
