//! One reverse step.

mod ddim;
mod ddpm;
mod diffusers;
mod diffusers_ddim;
mod edm;
mod ermongroup;
mod meaning;
mod recorded;
mod solver;

use super::case::Cases;
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;

pub(super) use diffusers_ddim::check as check_ddim;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let peer = fixture.peer();
    if peer.contains("p_mean_variance") && fixture.root().has("mean_type") {
        ddpm::run(fixture, cases)
    } else if peer.contains("DDPMScheduler.step") {
        diffusers::run(fixture, cases)
    } else if peer.contains("ddpm_steps") {
        ermongroup::run(fixture, cases)
    } else if peer.contains("ddim_sample") && fixture.root().has("mean_type") {
        ddim::run(fixture, cases)
    } else if peer.contains("DDIMScheduler.step") {
        diffusers_ddim::run(fixture, cases)
    } else if peer.contains("edm_sampler") {
        edm::run(fixture, cases)
    } else if let Some(method) = solver::Method::of(peer) {
        solver::run(fixture, method, cases)
    } else {
        Err(method_of(fixture))
    }
}
