//! What a report is made of: the results of one table of experiments, as plain data.

use serde::{Deserialize, Serialize};

pub use undrift_studies::{BitsPerDim, ImageCounts, Scores, SeedResult};

/// The whole experiment: protocol, rows, sample grids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Heading of the report.
    pub title: String,
    /// Name of the distance in every table: `FID`, or `FD (Fashion-MNIST features)`.
    pub distance_name: String,
    /// Whether our numbers may be compared in value with the published ones: only with the
    /// paper's data set, extractor and sample count.
    pub comparable: bool,
    /// How the experiment was run, as name and value, in the order in which it is printed.
    pub protocol: Vec<(String, String)>,
    /// The rows of the table, in the paper's order.
    pub rows: Vec<RowResult>,
    /// Scores of real held-out images under the same extractor: the best to hope for.
    pub reference: Option<Scores>,
    /// How many images the scores stand on; not known in reports of earlier versions.
    #[serde(default)]
    pub counts: Option<ImageCounts>,
    /// Sample grids, already written into the report's directory.
    pub grids: Vec<SampleGrid>,
}

impl Report {
    /// Whether any row has a published distance, without which a blank means nothing.
    pub fn has_published(&self) -> bool {
        self.rows.iter().any(|row| row.published.fid.is_some())
    }

    /// The label of the row with this name; the name itself where there is no such row.
    pub fn label_of(&self, id: &str) -> String {
        let row = self.rows.iter().find(|row| row.id == id);
        row.map_or_else(|| id.to_string(), |row| row.label.clone())
    }
}

/// One row of the table: one objective, trained once per seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowResult {
    /// Short name, unique in the report and fit for a file name: `eps-simple`.
    pub id: String,
    /// Name in plots and in the verdict: `eps, L_simple`.
    pub label: String,
    /// What the network predicts: `eps`, `mu_tilde`.
    pub prediction: String,
    /// What is minimised: `L`, `L_simple`, `MSE`.
    pub objective: String,
    /// Variance of the reverse process: `learned`, `fixed-large`.
    pub variance: String,
    /// The paper's numbers; blank ones are `None`.
    pub published: Published,
    /// Results, one per seed; empty when the row was not run.
    pub seeds: Vec<SeedResult>,
}

/// A row's numbers as printed in the paper (CIFAR-10, Inception-v3, 50,000 samples).
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
