//! Whole runs with toy models.

mod ddpm;
mod diffusers;
mod edm;
mod ermongroup;
mod es_adm;
mod inputs;
mod multistep;
mod replayed;
mod ts_adm;
mod ts_pnm;
mod walk;

use crate::case::Cases;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::method::absent;
use crate::runner::Chains;
use crate::stated;

/// Runs what the sidecar says.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    match stated::runner(fixture)? {
        Chains::Ddpm => ddpm::run(fixture, cases),
        Chains::Ermongroup => ermongroup::run(fixture, cases),
        Chains::Multistep => multistep::run(fixture, cases),
        Chains::Edm => edm::run(fixture, cases),
        Chains::Diffusers => diffusers::run(fixture, cases),
        Chains::Noise => inputs::noise(fixture, cases),
        Chains::Toys => inputs::toys(fixture, cases),
        Chains::EsAdm => es_adm::run(fixture, cases),
        Chains::TsPnm => ts_pnm::run(fixture, cases),
        Chains::TsAdm => ts_adm::run(fixture, cases),
        Chains::Absent => Err(absent(fixture)),
    }
}
