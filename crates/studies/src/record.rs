//! What a finished row and seed leaves behind: its scores, and what made them.

use crate::{RowInputs, SeedResult};
use serde::{Deserialize, Serialize};

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

/// What computed a result; the program above says what it is.
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

/// Seconds spent in the stages of a row and seed, over all of its runs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// Training.
    pub train: f64,
    /// Sampling.
    pub sample: f64,
}
