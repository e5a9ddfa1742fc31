//! Scores of features and of class probabilities.

mod frechet;
mod inception;

use crate::case::Cases;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::method::absent;
use crate::runner::Metrics;
use crate::stated;

/// Runs what the sidecar says.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    match stated::runner(fixture)? {
        Metrics::Frechet => frechet::run(fixture, cases),
        Metrics::Inception => inception::run(fixture, cases),
        Metrics::Inputs => {
            cases.note("", "features or logits that other files of the folder score");
            Ok(())
        }
        Metrics::Absent => Err(absent(fixture)),
    }
}
