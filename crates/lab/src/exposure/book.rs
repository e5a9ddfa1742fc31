//! Scores of samplers, kept as soon as each is known.

use super::Scored;
use crate::run::{Cell, RunError, read_json, write_json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The scores of one trained row and seed by what was sampled (`scores.json`).
pub(super) struct Book {
    cell: Cell,
    path: PathBuf,
    scores: BTreeMap<String, Scored>,
}

impl Book {
    /// Opens what an earlier run has left.
    pub(super) fn open(cell: &Cell) -> Result<Self, RunError> {
        let path = cell.scores();
        Ok(Book { scores: read_json(&path)?.unwrap_or_default(), path, cell: cell.clone() })
    }

    /// The scores of what is called `name`, computed and saved where they are not known.
    pub(super) fn look_up(
        &mut self,
        name: &str,
        compute: impl FnOnce() -> Result<Scored, RunError>,
    ) -> Result<Scored, RunError> {
        if let Some(known) = self.scores.get(name) {
            return Ok(known.clone());
        }
        let scored = compute()?;
        self.scores.insert(name.to_owned(), scored.clone());
        self.cell.check_held()?;
        write_json(&self.path, &self.scores)?;
        Ok(scored)
    }
}
