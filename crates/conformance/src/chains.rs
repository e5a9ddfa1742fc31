//! Whole runs with toy models.

mod ddpm;
mod diffusers;
mod edm;
mod ermongroup;
mod es_adm;
mod inputs;
mod multistep;
mod ts_adm;
mod ts_pnm;
mod walk;

use undrift_denoisers::{ClipX0, Denoiser, Eps, OutputVariance, Preconditioned};

use super::case::Cases;
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;
use super::tensors::Array;
use super::toy::Toy;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (peer, root) = (fixture.peer(), fixture.root());
    let published_loop = peer.contains("p_sample_loop") || peer.contains("ddim_sample_loop");
    if published_loop && !root.has("lambda") && !root.has("window") {
        ddpm::run(fixture, cases)
    } else if peer.contains("ddpm_steps") {
        ermongroup::run(fixture, cases)
    } else if crate::multistep::knows(fixture) {
        multistep::run(fixture, cases)
    } else if peer.contains("edm_sampler") {
        edm::run(fixture, cases)
    } else if let Some(method) = diffusers::Method::of(peer) {
        diffusers::run(fixture, method, cases)
    } else if peer.is_empty() && fixture.tensors().find("noise").is_some() {
        inputs::noise(fixture, cases)
    } else if peer.is_empty() && (root.has("gauss") || root.has("tanh")) {
        inputs::toys(fixture, cases)
    } else if peer.contains("ADM-ES") && root.has("lambda") {
        es_adm::run(fixture, cases)
    } else if peer.contains("PNMSolver.sample") {
        ts_pnm::run(fixture, cases)
    } else if peer.contains("do_time_shift") {
        ts_adm::run(fixture, cases)
    } else {
        Err(method_of(fixture))
    }
}

/// A toy network as a denoiser.
fn model(toy: Toy, channels: OutputVariance, clip: bool) -> Box<dyn Denoiser<4>> {
    let model = Preconditioned { network: toy, parameterisation: Eps, variance: channels };
    match clip {
        true => Box::new(ClipX0(model)),
        false => Box::new(model),
    }
}

/// The first `steps` rows of noise: of the file itself, or of the file that its text names.
fn noise(fixture: &Fixture, steps: usize) -> Result<Vec<Array>, FixtureError> {
    let rows = match fixture.tensors().find("noise") {
        Some(noise) => noise.rows(),
        None => {
            let text = fixture.root().text("noise")?;
            let named = fixture.named_in(text).ok_or_else(|| FixtureError::WrongField {
                field: "noise".to_owned(),
                expected: "the name of a file beside this one",
            })??;
            named.tensors().get("noise")?.rows()
        }
    };
    if rows.len() < steps {
        return Err(FixtureError::WrongShape {
            name: "noise".to_owned(),
            found: vec![rows.len()],
            expected: format!("at least {steps} rows, one for each step"),
        });
    }
    Ok(rows.into_iter().take(steps).collect())
}
