//! Golden vectors of steps, solver.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Edm, Eps, OutputVariance, Parameterisation, Preconditioned};
use undrift_noise::Replay;
use undrift_samplers::{Churn, Euler, Heun, Solver, steps};
use undrift_schedules::Grid;

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::values;
use crate::watched::{Prescribed, Watched};
use crate::{setting, tolerances};

/// Which scheduler of diffusers was run on prescribed outputs.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Method {
    Euler,
    Heun,
    EdmEuler,
}

impl Method {
    pub(super) fn of(peer: &str) -> Option<Method> {
        match peer.rsplit(' ').next()? {
            "EulerDiscreteScheduler" => Some(Method::Euler),
            "HeunDiscreteScheduler" => Some(Method::Heun),
            "EDMEulerScheduler" => Some(Method::EdmEuler),
            _ => None,
        }
    }
}

/// A whole run whose model outputs are prescribed: what the network would see in each evaluation, and the state
/// after it. diffusers counts evaluations; an odd one of Heun's ends a step, an even one leaves Euler's guess.
pub(super) fn run(fixture: &Fixture, method: Method, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, run) = (fixture.root(), Arithmetic::F32);
    let (config, n) = (root.get("config")?, root.count("num_inference_steps")?);
    let (grid, meaning) = grid(method, &config, n)?;
    let network = Prescribed::read(fixture, run)?;
    let model = Preconditioned { network: &network, parameterisation: meaning, variance: OutputVariance::None };
    let ours = states(&model, method, &grid, fixture.tensors().images("x_init", run)?)?;
    let handed = network.handed.borrow();
    for name in fixture.tensors().names().filter(|name| name.contains('/')) {
        let k = name.split_once('/').and_then(|(step, _)| step.strip_prefix("step")?.parse::<usize>().ok());
        let ours = match (k, name.rsplit('/').next()) {
            (_, Some("model_output")) => continue,
            (Some(k), Some("model_input")) => handed.get(k),
            (Some(k), Some("x_next")) => ours.get(k),
            _ => None,
        };
        let ours = ours.ok_or_else(|| FixtureError::NotCovered(format!("an item called `{name}`")));
        let published = fixture.tensors().get(name)?;
        let compared = ours.map(|x| compare(&values(x.clone()), &published.values, tolerances::step(run)));
        cases.add(name, run, compared);
    }
    Ok(())
}

/// The state after each evaluation: the next thing asked about, or after the last one the end.
fn states(model: &dyn Denoiser<4>, method: Method, grid: &Grid, x: Tensor<4>) -> Result<Vec<Tensor<4>>, FixtureError> {
    let churn = Churn::NONE;
    let solver: Box<dyn Solver<4>> = match method {
        Method::Heun => Box::new(Heun { churn }),
        Method::Euler | Method::EdmEuler => Box::new(Euler { churn }),
    };
    let (watched, mut none) = (Watched::new(model), Replay::new(Vec::new()));
    let mut end = x.clone();
    for step in steps(&watched, &*solver, grid, x, &mut none) {
        end = step.map_err(FixtureError::refused)?.x;
    }
    let asked = watched.asked.into_inner().into_iter().map(|(x, _)| x);
    Ok(asked.skip(1).chain([end]).collect())
}

fn grid(method: Method, config: &Node<'_>, n: usize) -> Result<(Grid, Box<dyn Parameterisation>), FixtureError> {
    if config.find("prediction_type").is_some_and(|kind| kind.as_text() != Some("epsilon")) {
        return Err(FixtureError::NotCovered("prescribed outputs that are not eps".to_owned()));
    }
    if method != Method::EdmEuler {
        return Ok((setting::diffusers_sigmas(config, n)?, Box::new(Eps)));
    }
    let (min, max) = (config.number_or("sigma_min", 0.002)?, config.number_or("sigma_max", 80.0)?);
    let grid = Grid::karras(n, min, max, config.number_or("rho", 7.0)?).map_err(FixtureError::refused)?;
    Ok((grid, Box::new(Edm { sigma_data: config.number_or("sigma_data", 0.5)? })))
}
