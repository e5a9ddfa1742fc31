//! Golden vectors of chains, ts_pnm.

use undrift_denoisers::{Denoiser, Eps, EpsilonScaling, OutputVariance, Preconditioned};
use undrift_samplers::{Pnm, TimeShiftPnm};
use undrift_schedules::{Chain, Grid, peers};

use super::ddpm::alpha_bar;
use super::es_adm::bounded;
use super::walk::Walk;
use crate::case::{Arithmetic, Cases};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::toy::{Toy, ToyEps};
use crate::{setting, tolerances};

/// `PNMSolver.sample` of the time-shift sampler's code, in single precision: never clipped, with or without
/// shifts and scales of eps.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, run) = (fixture.root(), Arithmetic::F32);
    let chain = setting::chain(&root.get("schedule")?)?;
    let grid = grid(&chain, root.count("S")?)?;
    let method = match root.text("method")? {
        "euler" => Pnm::Euler,
        "ddpm" => Pnm::Ddpm { eta: root.number("eta")? },
        other => return Err(FixtureError::NotCovered(format!("a method of PNMSolver called `{other}`"))),
    };
    let (window, cutoff) = (root.count_or("window_size", 0)?, root.count_or("cut_off_value", 0)?);
    let solver = TimeShiftPnm::new(method, &chain, &grid, window, cutoff).map_err(FixtureError::refused)?;
    let toy = Toy { eps: ToyEps::read(&root.get("toy")?)?, channel: None, alpha_bar: alpha_bar(&chain) };
    let tolerance = tolerances::chain(run, bounded(false, toy.eps));
    let model = model(toy, &grid, &root.get("scale")?)?;
    let walk = Walk { fixture, model: &*model, solver: &solver, grid: &grid };
    if let Some(times) = root.find("t_per_step") {
        let first = times.members().into_iter().map(|step| Ok(step.as_numbers()?.first().copied().unwrap_or(f64::NAN)));
        walk.compare_times("t_per_step", &first.collect::<Result<Vec<_>, FixtureError>>()?, cases);
    }
    walk.compare("", run, tolerance, cases)
}

/// Its uniform list of steps, which ends at the chain's first level.
fn grid(chain: &Chain, steps: usize) -> Result<Grid, FixtureError> {
    let rising = peers::ts_dpm_uniform(chain.len(), steps).map_err(FixtureError::refused)?;
    let levels: Vec<_> = setting::at_indices(chain, &rising)?.levels().collect();
    Grid::ending_at(levels, chain.levels()[0]).map_err(FixtureError::refused)
}

/// `{}`, `{scale_method, fix_scale}` or `{scale_method, step_size}`; a step size counts before a fixed scale.
fn model(toy: Toy, grid: &Grid, scale: &Node<'_>) -> Result<Box<dyn Denoiser<4>>, FixtureError> {
    let model = Preconditioned { network: toy, parameterisation: Eps, variance: OutputVariance::None };
    let scaled = match scale.find("scale_method").map_or(Ok(false), |on| on.as_flag())? {
        false => EpsilonScaling::constant(model, 1.0),
        true if scale.has("step_size") => EpsilonScaling::growing_by_step(model, grid, scale.number("step_size")?),
        true => EpsilonScaling::constant(model, scale.number("fix_scale")?),
    };
    Ok(Box::new(scaled.map_err(FixtureError::refused)?))
}
