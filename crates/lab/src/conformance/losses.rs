//! Losses and terms of the variational bound.

mod bits;
mod decoder;
mod ermongroup;
mod model;
mod training;

use super::case::Cases;
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let peer = fixture.peer();
    let is = |function: &str| peer.contains(function);
    if is("calc_bpd_loop") {
        bits::run(fixture, cases)
    } else if is("discretized_gaussian_log_likelihood") {
        decoder::run(fixture, cases)
    } else if is("noise_estimation_loss") {
        ermongroup::run(fixture, cases)
    } else if is("openai") && is("training_losses") && !fixture.root().has("gamma") {
        training::run(fixture, cases)
    } else {
        Err(method_of(fixture))
    }
}
