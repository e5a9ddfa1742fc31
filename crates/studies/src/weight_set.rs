//! Which of the weights that training keeps are sampled.

use serde::{Deserialize, Serialize};

/// A set of weights that training keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightSet {
    /// The moving average.
    Ema,
    /// The last step's weights.
    Raw,
}

impl WeightSet {
    /// Its part of the names of files.
    pub(crate) fn in_files(self) -> &'static str {
        match self {
            WeightSet::Ema => "ema",
            WeightSet::Raw => "raw",
        }
    }

    /// Its part of labels.
    pub(crate) fn in_labels(self) -> &'static str {
        match self {
            WeightSet::Ema => "EMA",
            WeightSet::Raw => "raw",
        }
    }
}
