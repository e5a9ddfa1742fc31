//! Losses and terms of the variational bound.

mod bits;
mod decoder;
mod edm;
mod ermongroup;
mod model;
mod second_moment;
mod training;
mod weights;

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
    } else if is("training_losses") {
        training::run(fixture, cases)
    } else if is("LossSecondMomentResampler") {
        second_moment::run(fixture, cases)
    } else if is("EDMLoss") {
        edm::run(fixture, cases)
    } else if weights::is_here(fixture) {
        weights::run(fixture, cases)
    } else {
        Err(method_of(fixture))
    }
}
