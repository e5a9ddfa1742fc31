//! Golden vectors of steps, solver.

use std::cell::RefCell;
use std::collections::VecDeque;

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Eps, Network, OutputVariance, Parameterisation, Preconditioned};
use undrift_noise::Replay;
use undrift_samplers::{Churn, Euler, Heun, Solver, steps};
use undrift_schedules::{Grid, Level};

use crate::conformance::case::{Arithmetic, Cases};
use crate::conformance::compare::compare;
use crate::conformance::edm_toy::Watched;
use crate::conformance::error::FixtureError;
use crate::conformance::fixture::Fixture;
use crate::conformance::sidecar::Node;
use crate::conformance::tensors::values;
use crate::conformance::{setting, tolerances};

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
    let script = Script::read(fixture, run)?;
    let model = Preconditioned { network: &script, parameterisation: meaning, variance: OutputVariance::None };
    let ours = states(&model, method, &grid, fixture.tensors().images("x_init", run)?)?;
    let seen = script.seen.borrow();
    for name in fixture.tensors().names().filter(|name| name.contains('/')) {
        let k = name.split_once('/').and_then(|(step, _)| step.strip_prefix("step")?.parse::<usize>().ok());
        let ours = match (k, name.rsplit('/').next()) {
            (_, Some("model_output")) => continue,
            (Some(k), Some("model_input")) => seen.get(k),
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
fn states<P: Parameterisation>(
    model: &Preconditioned<&Script, P>,
    method: Method,
    grid: &Grid,
    x: Tensor<4>,
) -> Result<Vec<Tensor<4>>, FixtureError> {
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

fn grid(method: Method, config: &Node<'_>, n: usize) -> Result<(Grid, Meaning), FixtureError> {
    if config.find("prediction_type").is_some_and(|kind| kind.as_text() != Some("epsilon")) {
        return Err(FixtureError::NotCovered("prescribed outputs that are not eps".to_owned()));
    }
    if method != Method::EdmEuler {
        return Ok((setting::diffusers_sigmas(config, n)?, Meaning::Eps));
    }
    let (min, max) = (config.number_or("sigma_min", 0.002)?, config.number_or("sigma_max", 80.0)?);
    let grid = Grid::karras(n, min, max, config.number_or("rho", 7.0)?).map_err(FixtureError::refused)?;
    Ok((grid, Meaning::Edm { sigma_data: config.number_or("sigma_data", 0.5)? }))
}

/// What a prescribed output means.
#[derive(Clone, Copy)]
enum Meaning {
    Eps,
    /// Karras et al. 2022, arXiv:2206.00364, table 1, column EDM, in EDM coordinates.
    Edm {
        sigma_data: f64,
    },
}

impl Parameterisation for Meaning {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        match *self {
            Meaning::Eps => Eps.x0_of(at),
            Meaning::Edm { sigma_data } => {
                let (sigma, root) = (at.sigma(), at.sigma().hypot(sigma_data));
                Ok(((sigma_data / root).powi(2) / at.signal(), sigma * sigma_data / root))
            }
        }
    }

    fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        match *self {
            Meaning::Eps => Eps.eps_of(at),
            Meaning::Edm { .. } => {
                let (a, b) = self.x0_of(at)?;
                Ok(((1.0 - at.signal() * a) / at.noise(), -at.signal() * b / at.noise()))
            }
        }
    }

    fn c_in(&self, at: Level) -> f64 {
        match *self {
            Meaning::Eps => Eps.c_in(at),
            Meaning::Edm { sigma_data } => 1.0 / (at.signal() * at.sigma().hypot(sigma_data)),
        }
    }
}

/// A network that gives prescribed outputs in order and keeps what it sees.
struct Script {
    outputs: RefCell<VecDeque<Tensor<4>>>,
    seen: RefCell<Vec<Tensor<4>>>,
}

impl Script {
    fn read(fixture: &Fixture, run: Arithmetic) -> Result<Self, FixtureError> {
        let names = (0..).map(|k| format!("step{k}/model_output"));
        let listed = names.take_while(|name| fixture.tensors().find(name).is_some());
        let outputs = listed.map(|name| fixture.tensors().images(&name, run));
        Ok(Script { outputs: RefCell::new(outputs.collect::<Result<_, _>>()?), seen: RefCell::default() })
    }
}

impl Network<4> for &Script {
    fn forward(&self, x: Tensor<4>, _time: Tensor<1>) -> Tensor<4> {
        self.seen.borrow_mut().push(x);
        self.outputs.borrow_mut().pop_front().expect("the sidecar lists one output for each evaluation")
    }
}
