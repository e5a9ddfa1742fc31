//! Golden vectors of published implementations, run against this code.
//!
//! A directory of fixtures has a folder for each group. In it, `X.json` says which published function was run
//! with which arguments, and `X.safetensors`, or tables in the sidecar itself, what it gave. Everything is
//! read from the sidecars, so that any other directory of the same layout can be checked, with other seeds,
//! sizes and settings. What has no counterpart here yet is listed as not covered; it neither passes nor fails.

mod case;
mod chains;
mod compare;
mod edm_toy;
mod error;
mod fixture;
mod group;
mod losses;
mod method;
mod metrics;
mod multistep;
mod networks;
mod pipelines;
mod report;
mod schedules;
mod setting;
mod sidecar;
mod steps;
mod tensors;
pub mod tolerances;
mod toy;
mod watched;

use std::path::Path;

pub use case::{Arithmetic, Case, Outcome};
pub use compare::{Comparison, Tolerance};
pub use error::ConformanceError;
pub use report::ConformanceReport;

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
    Ok(ConformanceReport::new(cases))
}

fn unknown_group(name: &str) -> ConformanceError {
    let known: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    ConformanceError::UnknownGroup { name: name.to_owned(), known: known.join(", ") }
}
