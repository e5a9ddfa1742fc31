//! Published networks: outputs and gradients of recorded runs, names and numbers of parameters, files.

mod counts;
mod embeddings;
mod files;
mod gradients;
mod guided;
mod input;
mod keys;
mod peer;
mod positions;
mod recorded;

use crate::case::Cases;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::method::absent;
use crate::runner::Networks;
use crate::stated;

pub(super) use files::run as run_file;

/// Runs what the sidecar says.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    match stated::runner(fixture)? {
        Networks::Counts => counts::run(fixture, cases),
        Networks::Keys => keys::run(fixture, cases),
        Networks::Recorded => recorded::run(fixture, cases),
        Networks::Guided => guided::run(fixture, cases),
        Networks::Positions => positions::run(fixture, cases),
        Networks::Embeddings => embeddings::run(fixture, cases),
        Networks::Beside => files::beside(fixture, cases),
        Networks::Absent => Err(absent(fixture)),
    }
}
