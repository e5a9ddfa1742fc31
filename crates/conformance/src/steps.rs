//! One reverse step.

mod cfg_combine;
mod classifier_guidance;
mod ddim;
mod ddpm;
mod diffusers;
mod diffusers_ddim;
mod edm;
mod edm_precond;
mod ermongroup;
mod es_adm;
mod meaning;
mod multistep;
mod recorded;
mod solver;
mod ts_pnm;
mod ts_shift;

use super::case::Cases;
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;

pub(super) use diffusers_ddim::check as check_ddim;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let peer = fixture.peer();
    if peer.contains("condition_mean") {
        classifier_guidance::run(fixture, cases)
    } else if peer.contains("forward_with_cfg") {
        cfg_combine::run(fixture, cases)
    } else if peer.contains("p_mean_variance") && fixture.root().has("mean_type") {
        ddpm::run(fixture, cases)
    } else if peer.contains("DDPMScheduler.step") {
        diffusers::run(fixture, cases)
    } else if peer.contains("EDMPrecond") && fixture.root().has("c_skip") {
        edm_precond::run(fixture, cases)
    } else if peer.contains("ddpm_steps") {
        ermongroup::run(fixture, cases)
    } else if crate::multistep::knows(fixture) {
        multistep::run(fixture, cases)
    } else if peer.contains("eps_scaler") {
        es_adm::run(fixture, cases)
    } else if peer.contains("PNMSolver.ddpm") {
        ts_pnm::run(fixture, cases)
    } else if peer.contains("apply_time_shift") {
        ts_shift::run(fixture, cases)
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
