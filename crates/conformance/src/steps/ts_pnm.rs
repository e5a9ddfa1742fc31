//! Golden vectors of steps, ts_pnm.

use burn::tensor::Tensor;
use undrift_denoisers::{Eps, EpsilonScaling, OutputVariance, Preconditioned};
use undrift_noise::Replay;
use undrift_samplers::{Pnm, Solver, TimeShiftPnm};
use undrift_schedules::{Chain, Grid};

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{images, values};
use crate::{setting, tolerances};

/// `PNMSolver.ddpm` and `euler_solver` on a recorded eps, each sample from a level to another.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let chain = setting::chain(&fixture.root().get("schedule")?)?;
    let run = Arithmetic::F32;
    for name in fixture.tensors().names().filter(|name| name.ends_with("/x_next")) {
        let published = &fixture.tensors().get(name)?.values;
        let ours = stepped(fixture, &chain, name);
        cases.add(name, run, ours.map(|ours| compare(&ours, published, tolerances::step(run))));
    }
    Ok(())
}

/// `lambda1.01/eta0.5/ddpm/x_next` or `lambda1/euler/x_next`.
fn stepped(fixture: &Fixture, chain: &Chain, name: &str) -> Result<Vec<f64>, FixtureError> {
    let unknown = || FixtureError::NotCovered(format!("an item called `{name}`"));
    let (lambda, method) = name.split_once('/').ok_or_else(unknown)?;
    let lambda = lambda.strip_prefix("lambda").and_then(|text| text.parse().ok()).ok_or_else(unknown)?;
    let eta = |text: &str| text.strip_prefix("eta")?.parse().ok();
    let method = match method.split('/').collect::<Vec<_>>()[..] {
        ["euler", _] => Pnm::Euler,
        [share, "ddpm", _] => Pnm::Ddpm { eta: eta(share).ok_or_else(unknown)? },
        _ => return Err(unknown()),
    };
    let tensors = fixture.tensors();
    let ends = tensors.indices("t")?.into_iter().zip(tensors.indices("t_next")?);
    let mut all = Vec::new();
    for (b, (from, to)) in ends.enumerate() {
        let sample = |name: &str| images(name, &tensors.get(name)?.sample(name, b)?, Arithmetic::F32);
        let (output, mut noise) = (sample("eps")?, Replay::new(vec![sample("noise")?]));
        let network = move |_: Tensor<4>, _: Tensor<1>| output.clone();
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let model = EpsilonScaling::constant(model, lambda).map_err(FixtureError::refused)?;
        let grid = move_between(chain, from, to)?;
        let solver = TimeShiftPnm::new(method, chain, &grid, 0, 0).map_err(FixtureError::refused)?;
        let step = solver.step(&model, sample("x_t")?, &grid.spans()[0], &[], &mut noise);
        all.extend(values(step.map_err(FixtureError::refused)?.x));
    }
    Ok(all)
}

fn move_between(chain: &Chain, from: usize, to: usize) -> Result<Grid, FixtureError> {
    let grid = setting::at_indices(chain, &[to, from])?;
    let ends: Vec<_> = grid.levels().collect();
    Grid::ending_at([ends[0]], ends[1]).map_err(FixtureError::refused)
}
