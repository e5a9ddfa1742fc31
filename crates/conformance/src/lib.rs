//! Golden vectors of published implementations, run against this code.
//!
//! A directory of fixtures has a folder for each group. In it, `X.json` says which published function was run
//! with which arguments, and `X.safetensors`, or tables in the sidecar itself, what it gave. Everything is
//! read from the sidecars, so that any other directory of the same layout can be checked, with other seeds,
//! sizes and settings: a sidecar's `runner` is the word of the code that proves it, its `model` the toy that stands in
//! for a network (both are derived where a sidecar is of the old form and has neither), and `MANIFEST.json` lists the
//! files that must be there. What has no counterpart here yet is listed as not covered; it neither passes nor fails.

mod case;
mod chains;
mod compare;
mod comparison;
mod derived;
mod derived_model;
mod edm_toy;
mod error;
mod fault;
mod fixture;
mod folder;
mod group;
mod losses;
mod manifest;
mod method;
mod metrics;
mod multistep;
mod networks;
mod pipelines;
mod report;
mod runner;
mod schedules;
mod setting;
mod sidecar;
mod stated;
mod steps;
mod tensors;
pub mod tolerances;
mod toy;
mod toy_model;
mod watched;
mod words;

use std::path::Path;

pub use case::{Arithmetic, Case, Outcome};
pub use comparison::{Comparison, Tolerance};
pub use error::ConformanceError;
pub use fault::{FaultKind, MANIFEST};
pub use manifest::{Fault, Manifest};
pub use report::ConformanceReport;
pub use words::{Words, words};

use group::GROUPS;

/// Runs our code on the golden vectors below `fixtures`, or on one group of them.
///
/// # Errors
/// When the group is unknown, or when there is no such directory or nothing in it. A fixture that cannot be
/// read is a failed case of the report instead.
pub fn run(fixtures: &Path, group: Option<&str>) -> Result<ConformanceReport, ConformanceError> {
    let known = |name: &str| GROUPS.iter().find(|group| group.name == name);
    let chosen = match group {
        None => None,
        Some(name) => Some(known(name).ok_or_else(|| unknown_group(name))?),
    };
    if !fixtures.is_dir() {
        let path = fixtures.to_owned();
        return Err(ConformanceError::MissingDirectory { path });
    }
    let cases = match chosen {
        Some(group) => group.cases(&fixtures.join(group.name))?,
        None => group::all(fixtures)?,
    };
    let empty = cases.iter().all(|case| matches!(case.outcome, Outcome::Note { .. }));
    if empty {
        let path = chosen.map_or_else(|| fixtures.to_owned(), |group| fixtures.join(group.name));
        return Err(ConformanceError::Empty { path });
    }
    let listed = group::against_manifest(fixtures, group)?;
    Ok(ConformanceReport::new([cases, listed].concat()))
}

fn unknown_group(name: &str) -> ConformanceError {
    let known: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    ConformanceError::UnknownGroup { name: name.to_owned(), known: known.join(", ") }
}
