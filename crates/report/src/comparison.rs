//! Rows that are compared: their scores over seeds, what they differ in, and what was published of them.

use super::mean::Mean;
use super::score::{Format, Score};

/// Rows with their scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What rows are scored by; the first one that is judged is the main one.
    pub scores: Vec<Score>,
    /// The rows in their order.
    pub rows: Vec<Row>,
    /// The row that the others are held against.
    pub baseline: usize,
    /// What is no row and is scored as rows are, with a name: real data.
    pub reference: Option<(String, Vec<Option<f64>>)>,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Its name.
    pub label: String,
    /// The settings in which it differs from the other rows, with their values; all rows have the same ones.
    pub settings: Vec<(String, String)>,
    /// What each seed came to.
    pub trials: Vec<Trial>,
    /// What was published of it, for each score; missing ones at the end are none.
    pub published: Vec<Option<Published>>,
}

/// One seed of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// The seed.
    pub seed: u64,
    /// A value for each score, where it was measured.
    pub values: Vec<Option<f64>>,
    /// Why the seed gave no usable scores.
    pub failure: Option<String>,
}

/// A published number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The number.
    pub value: f64,
    /// The spread that was published with it.
    pub spread: Option<f64>,
}

impl Row {
    /// A row of this name that was not run.
    pub fn new(label: impl Into<String>) -> Self {
        Row { label: label.into(), ..Row::default() }
    }

    /// What was published of a score.
    pub fn published(&self, score: usize) -> Option<Published> {
        self.published.get(score).copied().flatten()
    }

    /// Mean of a score over the seeds that did not fail.
    pub fn mean(&self, score: usize) -> Option<Mean> {
        Mean::over(self.trials.iter().map(|trial| trial.sound(score)))
    }

    /// The differences of a score from another row, over the seeds that both were run with.
    pub fn minus(&self, other: &Row, score: usize) -> Option<Mean> {
        let pair = |trial: &Trial| {
            let same = other.trials.iter().find(|one| one.seed == trial.seed);
            (trial.sound(score), same.and_then(|one| one.sound(score)))
        };
        Mean::paired(self.trials.iter().map(pair))
    }

    /// A score as text, or the word for why there is none.
    pub fn text(&self, scores: &[Score], score: usize) -> String {
        let mut values = self.trials.iter().filter_map(|trial| trial.value(score));
        match (self.mean(score), self.trials.as_slice()) {
            (Some(mean), _) => scores[score].mean(&mean),
            (None, [one]) => one.value(score).map_or_else(|| self.absent(score).into(), |v| scores[score].value(v)),
            (None, _) if values.any(f64::is_nan) => scores[score].value(f64::NAN),
            (None, _) => self.absent(score).into(),
        }
    }

    /// Why a score has no usable value.
    pub fn absent(&self, score: usize) -> &'static str {
        match self.trials.as_slice() {
            [] => "not run",
            trials if trials.iter().any(|trial| trial.failure.is_some()) => "failed",
            trials if trials.iter().any(|trial| trial.value(score).is_some()) => "not a number",
            _ => "not measured",
        }
    }
}

impl Trial {
    /// The value of a score.
    pub fn value(&self, score: usize) -> Option<f64> {
        self.values.get(score).copied().flatten()
    }

    fn sound(&self, score: usize) -> Option<f64> {
        self.value(score).filter(|_| self.failure.is_none())
    }
}

impl Comparison {
    /// The scores that rows are judged by, with their places, the main one first.
    pub fn judged(&self) -> impl Iterator<Item = (usize, &Score)> {
        self.scores.iter().enumerate().filter(|(_, score)| score.is_judged())
    }

    /// The rows that have a score, best first.
    pub fn best_first(&self, score: usize) -> Vec<(&Row, Mean)> {
        let mut rows: Vec<(&Row, Mean)> = self.rows.iter().filter_map(|row| Some((row, row.mean(score)?))).collect();
        let turned = |mean: &Mean| self.scores[score].turned(mean.value);
        rows.sort_by(|(_, one), (_, other)| turned(one).total_cmp(&turned(other)));
        rows
    }

    /// Whether any row has a published number of this score.
    pub fn has_published(&self, score: usize) -> bool {
        self.rows.iter().any(|row| row.published(score).is_some())
    }

    /// Whether no row has more than one seed.
    pub fn has_single_seeds(&self) -> bool {
        self.rows.iter().all(|row| row.trials.len() <= 1)
    }

    /// Name of a row and a score of it.
    pub fn named(&self, row: &Row, score: usize) -> String {
        format!("{} ({})", row.label, row.text(&self.scores, score))
    }

    /// A difference as text, of a time without error.
    pub(crate) fn difference(&self, score: usize, difference: &Mean) -> String {
        match self.scores[score].format {
            Format::Decimals(_) => self.scores[score].mean(difference),
            Format::Duration => self.scores[score].value(difference.value),
        }
    }
}
