//! One reverse step.

mod ddpm;
mod diffusers;
mod edm_precond;
mod ermongroup;
mod meaning;
mod recorded;

use super::case::Cases;
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let peer = fixture.peer();
    if peer.contains("p_mean_variance") && fixture.root().has("mean_type") {
        ddpm::run(fixture, cases)
    } else if peer.contains("DDPMScheduler.step") {
        diffusers::run(fixture, cases)
    } else if peer.contains("EDMPrecond") && fixture.root().has("c_skip") {
        edm_precond::run(fixture, cases)
    } else if peer.contains("ddpm_steps") {
        ermongroup::run(fixture, cases)
    } else {
        Err(method_of(fixture))
    }
}
