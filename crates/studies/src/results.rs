//! What rows and seeds gave, as plain data.

use crate::real;
use serde::{Deserialize, Serialize};

/// What one seed of one row gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// Scores of samples drawn with the averaged weights.
    pub ema: Option<Scores>,
    /// Scores of samples drawn with the raw weights.
    pub raw: Option<Scores>,
    /// Variational bound on held-out images.
    pub bits_per_dim: Option<BitsPerDim>,
    /// Seconds spent in training.
    #[serde(with = "real")]
    pub train_seconds: f64,
    /// Seconds spent in drawing the samples of one set of weights.
    #[serde(with = "real")]
    pub sample_seconds: f64,
    /// Training loss as (step, loss), in the objective's own unit.
    #[serde(with = "real::curve")]
    pub loss: Vec<(u64, f64)>,
    /// Further scores of the samples that the first set of weights drew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<FurtherScore>,
    /// Why the seed broke off or gave no usable samples: `loss is NaN at step 312`.
    pub failure: Option<String>,
}

/// Scores of one set of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Frechet distance to the reference set; lower is better.
    #[serde(with = "real")]
    pub frechet: f64,
    /// Inception score; higher is better.
    #[serde(with = "real")]
    pub inception_score: f64,
    /// Standard deviation of the inception score over its splits.
    #[serde(with = "real")]
    pub inception_score_std: f64,
}

/// A score of samples that a row asks for beside the distance and the inception score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherScore {
    /// Its name in tables.
    pub name: String,
    /// The number.
    #[serde(with = "real")]
    pub value: f64,
    /// Whether larger numbers are better; smaller ones are otherwise.
    pub higher_is_better: bool,
    /// What it is counted in; empty for a plain number.
    pub unit: String,
}

/// How many images the scores of a study stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageCounts {
    /// Samples of one row or sampler and seed.
    pub samples: usize,
    /// Images that distances are measured to.
    pub reference: usize,
    /// Real held-out images that are scored beside the samples.
    pub held_out: usize,
}

/// The variational bound in bits per dimension, averaged over held-out images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitsPerDim {
    /// The whole bound: `rate + distortion`.
    #[serde(with = "real")]
    pub total: f64,
    /// All terms but the decoder's: `L_1 + ... + L_T`, prior included.
    #[serde(with = "real")]
    pub rate: f64,
    /// The decoder's term, `L_0`.
    #[serde(with = "real")]
    pub distortion: f64,
    /// The prior's term, `L_T` (contained in the rate).
    #[serde(with = "real")]
    pub prior: f64,
    /// One term per t = 1..=T; the first is the decoder's; the prior's is not among them.
    #[serde(with = "real::list")]
    pub per_t: Vec<f64>,
    /// Root-mean-square distortion of pixels, on the scale 0 to 255.
    #[serde(with = "real")]
    pub rmse: f64,
    /// How many images were averaged over.
    pub images: usize,
}
