//! Published networks: outputs and gradients of recorded runs, names and numbers of parameters, files.

mod counts;
mod embeddings;
mod files;
mod gradients;
mod guided;
mod keys;
mod peer;
mod positions;
mod recorded;

use super::case::Cases;
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;

pub(super) use files::run as run_file;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    if root.has("counts") {
        counts::run(fixture, cases)
    } else if root.has("state_dict") {
        keys::run(fixture, cases)
    } else if root.has("config") {
        recorded::run(fixture, cases)
    } else if fixture.peer().contains("forward_with_cfg") {
        guided::run(fixture, cases)
    } else if fixture.peer().contains("pos_embed") {
        positions::run(fixture, cases)
    } else if fixture.tensors().find("t").is_some() {
        embeddings::run(fixture, cases)
    } else if root.has("what") {
        files::beside(fixture, cases)
    } else {
        Err(method_of(fixture))
    }
}
