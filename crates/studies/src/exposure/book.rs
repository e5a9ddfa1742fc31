//! Scores of samplers, kept as soon as each is known.

use crate::{Cell, RunError, Scores, read_json, write_json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What one sampler came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scored {
    /// Scores; `None` where samples are not finite.
    pub scores: Option<Scores>,
    /// Seconds spent in drawing.
    pub seconds: f64,
    /// Commit of the program that drew them.
    #[serde(default)]
    pub commit: String,
}

/// Scores of one trained row and seed by what was sampled, in a file.
pub struct Book {
    cell: Cell,
    path: PathBuf,
    scores: BTreeMap<String, Scored>,
}

impl Book {
    /// Opens what an earlier run has left.
    ///
    /// # Errors
    /// [`RunError::Damaged`] for a file of another form.
    pub fn open(cell: &Cell, path: PathBuf) -> Result<Self, RunError> {
        Ok(Book { scores: read_json(&path)?.unwrap_or_default(), path, cell: cell.clone() })
    }

    /// The scores of what is called `name`, computed and saved where they are not known.
    ///
    /// # Errors
    /// Those of computing, and of the file.
    pub fn look_up(
        &mut self,
        name: &str,
        compute: impl FnOnce() -> Result<Scored, RunError>,
    ) -> Result<Scored, RunError> {
        if let Some(known) = self.scores.get(name) {
            return Ok(known.clone());
        }
        let scored = compute()?;
        // What another process has scored meanwhile stays there.
        self.scores.extend(read_json::<BTreeMap<String, Scored>>(&self.path)?.unwrap_or_default());
        self.scores.insert(name.to_owned(), scored.clone());
        self.cell.check_held()?;
        write_json(&self.path, &self.scores)?;
        Ok(scored)
    }
}
