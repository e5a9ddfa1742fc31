//! What a report is made of: the results of one table of experiments, as plain data.

use serde::{Deserialize, Serialize};

pub use undrift_studies::{BitsPerDim, FurtherScore, ImageCounts, Scores, SeedResult};

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
    /// Further scores of the same images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_further: Vec<FurtherScore>,
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
