//! What a comparison came to.

use super::compare::Comparison;
use super::error::FixtureError;

/// The arithmetic in which our code was run for a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Arithmetic {
    /// Single, then double precision.
    pub const BOTH: [Arithmetic; 2] = [Arithmetic::F32, Arithmetic::F64];

    /// Its short name: `f32` or `f64`.
    pub fn name(self) -> &'static str {
        match self {
            Arithmetic::F32 => "f32",
            Arithmetic::F64 => "f64",
        }
    }
}

/// One item of one fixture: a table, a tensor or a list, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Group and file without its ending, as `steps/ddpm_eps_fixed_large_clip`.
    pub file: String,
    /// What was compared inside the file; empty when it is about the whole file.
    pub item: String,
    /// The arithmetic of our side; `None` when nothing was run.
    pub arithmetic: Option<Arithmetic>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Our numbers were compared with the published ones.
    Compared(Comparison),
    /// There was nothing to compare although there should have been.
    Failed {
        /// What is wrong, in one sentence.
        reason: String,
    },
    /// The method of this item does not exist here yet.
    NotCovered {
        /// Which method it is, or why it cannot be reproduced.
        reason: String,
        /// Whether what is asked for was understood, so that its absence is no oversight.
        known: bool,
    },
    /// A file that carries notes or inputs instead of results.
    Note {
        /// What the file is for.
        reason: String,
    },
}

impl Case {
    /// Whether this case alone makes a run fail.
    pub fn fails(&self) -> bool {
        match &self.outcome {
            Outcome::Compared(comparison) => !comparison.passes(),
            Outcome::Failed { .. } => true,
            Outcome::NotCovered { .. } | Outcome::Note { .. } => false,
        }
    }

    /// Whether our numbers were compared with published ones and are within tolerance.
    pub fn passes(&self) -> bool {
        matches!(&self.outcome, Outcome::Compared(comparison) if comparison.passes())
    }

    /// Whether the method is not there yet.
    pub fn not_covered(&self) -> bool {
        matches!(self.outcome, Outcome::NotCovered { .. })
    }
}

/// The cases of one fixture, in the order in which they were made.
pub(super) struct Cases {
    file: String,
    list: Vec<Case>,
}

impl Cases {
    pub(super) fn of(file: &str) -> Self {
        Cases { file: file.to_owned(), list: Vec::new() }
    }

    fn push(&mut self, item: &str, arithmetic: Option<Arithmetic>, outcome: Outcome) {
        self.list.push(Case { file: self.file.clone(), item: item.to_owned(), arithmetic, outcome });
    }

    /// A comparison, or why there is none.
    pub(super) fn add(&mut self, item: &str, arithmetic: Arithmetic, compared: Result<Outcome, FixtureError>) {
        match compared {
            Ok(outcome) => self.push(item, Some(arithmetic), outcome),
            Err(error) => self.error(item, error),
        }
    }

    pub(super) fn error(&mut self, item: &str, error: FixtureError) {
        let outcome = match error {
            FixtureError::NotCovered(reason) => Outcome::NotCovered { reason, known: false },
            FixtureError::Absent(reason) => Outcome::NotCovered { reason, known: true },
            other => Outcome::Failed { reason: other.to_string() },
        };
        self.push(item, None, outcome);
    }

    pub(super) fn not_covered(&mut self, item: &str, reason: &str) {
        self.error(item, FixtureError::NotCovered(reason.to_owned()));
    }

    pub(super) fn note(&mut self, item: &str, reason: &str) {
        let reason = reason.to_owned();
        self.push(item, None, Outcome::Note { reason });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn finish(self) -> Vec<Case> {
        self.list
    }
}
