//! Golden vectors of chains, ts_adm.

use undrift_denoisers::OutputVariance;
use undrift_samplers::TimeShiftAdm;
use undrift_schedules::Chain;

use super::ddpm::alpha_bar;
use super::es_adm::bounded;
use super::model;
use super::walk::Walk;
use crate::case::{Arithmetic, Cases};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::toy::{Toy, ToyEps};
use crate::{setting, tolerances};

/// Length of guided-diffusion's chains unless a sidecar says otherwise.
const DEFAULT_STEPS: usize = 1000;

/// `ddim_sample_loop_progressive` with `do_time_shift` of the time-shift sampler's code for ADM.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    let chain = chain(&root)?;
    let grid = setting::respaced(&chain, root.text_or_empty("respacing"))?;
    let (window, cutoff) = (root.count("window")?, root.count("cutoff")?);
    let solver = TimeShiftAdm::new(&chain, &grid, window, cutoff, root.number("eta")?);
    let solver = solver.map_err(FixtureError::refused)?;
    let toy = Toy { eps: ToyEps::read(&root.get("toy")?)?, channel: None, alpha_bar: alpha_bar(&chain) };
    let (eps, clip) = (toy.eps, root.flag("clip_denoised")?);
    let model = model(toy, OutputVariance::None, clip);
    let walk = Walk { fixture, model: &*model, solver: &solver, grid: &grid };
    for run in Arithmetic::BOTH {
        let asked = root.find("info").and_then(|info| info.find(run.name())?.find("model_t"));
        if let Some(asked) = asked {
            walk.compare_times(&format!("{}/model_t", run.name()), &asked.as_numbers()?, cases);
        }
        let tolerance = tolerances::chain(run, bounded(clip, eps));
        walk.compare(&format!("{}/", run.name()), run, tolerance, cases)?;
    }
    Ok(())
}

/// As elsewhere, or the name alone of a schedule of [`DEFAULT_STEPS`].
fn chain(root: &Node<'_>) -> Result<Chain, FixtureError> {
    let schedule = root.get("schedule")?;
    match schedule.as_text() {
        Some(name) if !name.contains(' ') => setting::named(name, root.count_or("T", DEFAULT_STEPS)?),
        _ => setting::chain(&schedule),
    }
}
