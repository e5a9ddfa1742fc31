//! The results of a study, as plain data.

use super::{ChainLength, Cure, Curve, PublishedEffect, Search};
use crate::methods::Method;
use crate::report::{ImageCounts, Scores};
use crate::run::{RunError, read_json};
use serde::{Deserialize, Serialize};
use std::path::Path;
use undrift_report::Mean;

/// A whole study (`study.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Heading.
    pub title: String,
    /// Name of the distance.
    pub distance_name: String,
    /// How the study was made, as name and value.
    pub protocol: Vec<(String, String)>,
    /// Id and label of each row; the first one is the baseline.
    pub rows: Vec<(String, String)>,
    /// The seeds that are reported.
    pub seeds: Vec<u64>,
    /// Seeds that gave no scores, and why.
    pub failures: Vec<String>,
    /// Scores of every sampler.
    pub entries: Vec<Entry>,
    /// How the constants were found.
    pub searches: Vec<Search>,
    /// The bias along chains.
    pub curves: Vec<Curve>,
    /// Pictures of samples: label, and file relative to the report.
    pub pictures: Vec<(String, String)>,
    /// Scores of chains that start from real images.
    pub chain_lengths: Vec<ChainLength>,
    /// Published effects.
    pub published: Vec<PublishedEffect>,
    /// Scores of real held-out images.
    pub reference: Option<Scores>,
    /// How many images the scores stand on; not known in studies of earlier versions.
    #[serde(default)]
    pub counts: Option<ImageCounts>,
}

/// One sampler on one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Row.
    pub row: String,
    /// Solver.
    pub solver: String,
    /// Steps.
    pub steps: usize,
    /// Cure.
    pub cure: Cure,
    /// Its constants; without the clipping that all have.
    pub wrappers: Vec<Method>,
    /// Scores, one for each seed of the study.
    pub scores: Vec<Option<Scores>>,
    /// Seconds of drawing the samples, mean over the seeds.
    pub seconds: f64,
}

impl Study {
    /// The study of a run directory, as its last run has left it.
    ///
    /// # Errors
    /// [`RunError::NotARun`] if no run has come to its end there, [`RunError::Damaged`] for a file of another form.
    pub fn read(root: &Path) -> Result<Self, RunError> {
        let unfinished = || RunError::NotARun { path: root.to_owned(), why: "no finished study.json".to_owned() };
        read_json(&root.join("study.json"))?.ok_or_else(unfinished)
    }

    /// Whether no seed of any row has come to a model that gives samples.
    pub fn has_nothing(&self) -> bool {
        let scored = self.entries.iter().flat_map(|entry| &entry.scores).any(Option::is_some);
        !self.failures.is_empty() && !scored && self.curves.is_empty() && self.pictures.is_empty()
    }

    /// The entry of a row, solver, number of steps and cure.
    pub fn entry(&self, row: &str, solver: &str, steps: usize, cure: Cure) -> Option<&Entry> {
        let same = |entry: &&Entry| entry.row == row && entry.solver == solver && entry.steps == steps;
        self.entries.iter().filter(same).find(|entry| entry.cure == cure)
    }

    /// Solvers and steps, each once, in their order.
    pub fn settings(&self) -> Vec<(&str, usize)> {
        let mut all: Vec<(&str, usize)> = Vec::new();
        for entry in &self.entries {
            let one = (entry.solver.as_str(), entry.steps);
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }
}

impl Entry {
    /// Mean and standard error of a score over the seeds that have it; none without any.
    pub fn mean(&self, of: fn(&Scores) -> f64) -> Option<Mean> {
        Mean::over(self.scores.iter().map(|scores| scores.as_ref().map(of)))
    }

    /// This minus `other`, seed by seed: both drew the same noise.
    pub fn minus(&self, other: &Entry, of: fn(&Scores) -> f64) -> Option<Mean> {
        let pairs = self.scores.iter().zip(&other.scores);
        Mean::paired(pairs.map(|(one, other)| (one.as_ref().map(of), other.as_ref().map(of))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(distances: [Option<f64>; 3]) -> Entry {
        let scores = |frechet| Scores { frechet, inception_score: 1.0, inception_score_std: 0.0 };
        Entry {
            row: "a".into(),
            solver: "ddim".into(),
            steps: 10,
            cure: Cure::Plain,
            wrappers: vec![],
            scores: distances.map(|distance| distance.map(scores)).to_vec(),
            seconds: 1.0,
        }
    }

    #[test]
    fn differences_are_taken_seed_by_seed_over_the_seeds_that_both_have() {
        let (a, b) = (entry([Some(10.0), None, Some(30.0)]), entry([Some(9.0), Some(1.0), Some(28.0)]));
        let paired = b.minus(&a, |scores| scores.frechet).unwrap();
        assert_eq!((paired.value, paired.used, paired.of), (-1.5, 2, 3));
        assert_eq!(entry([None; 3]).mean(|scores| scores.frechet), None);
    }
}
