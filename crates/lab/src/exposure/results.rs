//! The results of a study, as plain data.

use super::finding::findings;
use super::{ChainLength, Cure, Curve, PublishedEffect, Search};
use crate::methods::Method;
use crate::report::{ImageCounts, Scores};
use crate::run::{RunError, read_json};
use serde::{Deserialize, Serialize};
use std::path::Path;

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

/// A difference between two samplers on the same seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Mean of the differences.
    pub mean: f64,
    /// Standard error of the mean; none with one seed.
    pub error: Option<f64>,
    /// Seeds that both have.
    pub seeds: usize,
}

/// Two-sided 5 % points of Student's t distribution with 1, 2, .. degrees of freedom; further on 2 is wide enough.
const STUDENT: [f64; 20] = [
    12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086,
];

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

    /// What was found, in sentences.
    pub fn findings(&self) -> Vec<String> {
        findings(self)
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
    pub fn mean(&self, of: fn(&Scores) -> f64) -> Option<Paired> {
        Paired::of(self.scores.iter().filter_map(|scores| scores.as_ref().map(of)))
    }

    /// This minus `other`, seed by seed: both drew the same noise.
    pub fn minus(&self, other: &Entry, of: fn(&Scores) -> f64) -> Option<Paired> {
        let pairs = self.scores.iter().zip(&other.scores);
        Paired::of(pairs.filter_map(|(one, other)| Some(of(one.as_ref()?) - of(other.as_ref()?))))
    }
}

impl Paired {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (count > 1).then(|| (squares / (count - 1) as f64 / count as f64).sqrt());
        Some(Paired { mean, error, seeds: count })
    }

    /// Whether the mean is further from 0 than chance puts it in one of twenty cases (Student's t test, two-sided);
    /// not known with one seed.
    pub fn is_clear(&self) -> Option<bool> {
        let needed = STUDENT.get(self.seeds.wrapping_sub(2)).copied().unwrap_or(2.0);
        self.error.map(|error| self.mean.abs() > needed * error)
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
    fn differences_are_taken_seed_by_seed() {
        let (a, b) = (entry([Some(10.0), Some(20.0), Some(30.0)]), entry([Some(9.0), Some(18.0), Some(27.0)]));
        let paired = b.minus(&a, |scores| scores.frechet).unwrap();
        assert_eq!((paired.mean, paired.seeds), (-2.0, 3));
        assert!((paired.error.unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(paired.is_clear(), Some(false), "3.5 standard errors of three seeds may be chance");
        let c = entry([Some(8.0), Some(17.9), Some(28.2)]);
        assert_eq!(
            c.minus(&a, |scores| scores.frechet).unwrap().is_clear(),
            Some(true),
            "unpaired, seeds would hide it"
        );
    }

    #[test]
    fn seeds_without_a_score_are_left_out_of_both() {
        let (a, b) = (entry([Some(10.0), None, Some(30.0)]), entry([Some(9.0), Some(1.0), None]));
        let paired = b.minus(&a, |scores| scores.frechet).unwrap();
        assert_eq!(paired, Paired { mean: -1.0, error: None, seeds: 1 });
        assert_eq!(paired.is_clear(), None);
        assert_eq!(entry([None; 3]).mean(|scores| scores.frechet), None);
    }
}
