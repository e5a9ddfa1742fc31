//! What a report is made of: the results of one table of experiments, as plain data.

use serde::{Deserialize, Serialize};

use super::real;

/// The whole experiment: protocol, rows, sample grids (`report.json`).
///
/// Keys of earlier versions that are not known any more are passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Heading of the report.
    pub title: String,
    /// Name of the distance in every table: `FID`, or `FD (Fashion-MNIST features)`.
    pub distance_name: String,
    /// How the experiment was run, as name and value, in the order in which it is printed.
    pub protocol: Vec<(String, String)>,
    /// The rows of the table, in the recipe's order.
    pub rows: Vec<RowResult>,
    /// Scores of real held-out images under the same extractor: the best to hope for.
    pub reference: Option<Scores>,
    /// How many images the scores stand on; not known in reports of earlier versions.
    #[serde(default)]
    pub counts: Option<ImageCounts>,
    /// Sample grids, already written into the report's directory.
    pub grids: Vec<SampleGrid>,
    /// [`RowResult::id`] of the row that the others are held against; the first one if none is named.
    #[serde(default)]
    pub baseline: Option<String>,
    /// What the recipe says about its rows and their published numbers, one sentence or a few each.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Report {
    /// The label of the row with this name; the name itself where there is no such row.
    pub fn label_of(&self, id: &str) -> String {
        let row = self.rows.iter().find(|row| row.id == id);
        row.map_or_else(|| id.to_string(), |row| row.label.clone())
    }
}

/// One row of the table, trained once per seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowResult {
    /// Short name, unique in the report and fit for a file name: `eps-simple`.
    pub id: String,
    /// Name in tables, plots and the verdict: `eps, L_simple`.
    pub label: String,
    /// The settings in which the rows differ, as key and value; the same keys in every row.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
    /// The published numbers; `None` where there are none.
    pub published: Published,
    /// How often the network is asked for one sample; not known in reports of earlier versions.
    #[serde(default)]
    pub evaluations: Option<usize>,
    /// Results, one per seed; empty when the row was not run.
    pub seeds: Vec<SeedResult>,
}

/// A row's numbers as they were published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Inception score.
    pub inception_score: Option<f64>,
    /// Standard deviation of the inception score over its splits.
    pub inception_score_std: Option<f64>,
    /// Frechet Inception distance.
    pub fid: Option<f64>,
}

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

/// How many images the scores of a report stand on.
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

/// A picture of samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleGrid {
    /// [`RowResult::id`] of the row that drew it.
    pub row: String,
    /// The seed that drew it.
    pub seed: u64,
    /// File name of the PNG, relative to the report's directory.
    pub file: String,
}
