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

use crate::case::Cases;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::method::absent;
use crate::runner::Steps;
use crate::stated;

pub(super) use diffusers_ddim::check as check_ddim;

/// Runs what the sidecar says.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    match stated::runner(fixture)? {
        Steps::ClassifierGuidance => classifier_guidance::run(fixture, cases),
        Steps::CfgCombine => cfg_combine::run(fixture, cases),
        Steps::Ddpm => ddpm::run(fixture, cases),
        Steps::Diffusers => diffusers::run(fixture, cases),
        Steps::EdmPrecond => edm_precond::run(fixture, cases),
        Steps::Ermongroup => ermongroup::run(fixture, cases),
        Steps::Multistep => multistep::run(fixture, cases),
        Steps::EsAdm => es_adm::run(fixture, cases),
        Steps::TsPnm => ts_pnm::run(fixture, cases),
        Steps::TsShift => ts_shift::run(fixture, cases),
        Steps::Ddim => ddim::run(fixture, cases),
        Steps::DiffusersDdim => diffusers_ddim::run(fixture, cases),
        Steps::Edm => edm::run(fixture, cases),
        Steps::Solver => solver::run(fixture, cases),
        Steps::Absent => Err(absent(fixture)),
    }
}
