//! Golden vectors of chains, diffusers.

use undrift_denoisers::{Denoiser, Eps, OutputVariance, Preconditioned, V};
use undrift_noise::Zeros;
use undrift_samplers::{Churn, Ddim, Euler, Heun, Solver, steps};
use undrift_schedules::{Chain, Grid, peers};

use super::ddpm::alpha_bar;
use crate::conformance::case::{Arithmetic, Cases};
use crate::conformance::compare::compare;
use crate::conformance::error::FixtureError;
use crate::conformance::fixture::Fixture;
use crate::conformance::sidecar::Node;
use crate::conformance::tensors::values;
use crate::conformance::tolerances::{self, Bounded};
use crate::conformance::toy::{Toy, ToyEps};
use crate::conformance::{setting, steps as recorded_steps};

/// Which scheduler of diffusers walked the chain.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Method {
    Ddim,
    Euler,
    Heun,
}

impl Method {
    pub(super) fn of(peer: &str) -> Option<Method> {
        match peer.rsplit(' ').next()? {
            "DDIMScheduler" => Some(Method::Ddim),
            "EulerDiscreteScheduler" => Some(Method::Euler),
            "HeunDiscreteScheduler" => Some(Method::Heun),
            _ => None,
        }
    }
}

/// A whole deterministic run in single precision: every recorded state `x_after_k`.
pub(super) fn run(fixture: &Fixture, method: Method, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, run) = (fixture.root(), Arithmetic::F32);
    let config = root.get("config")?;
    let base = setting::diffusers_chain(&config)?;
    let toy = Toy { eps: ToyEps::read(&root.get("toy")?)?, channel: None, alpha_bar: alpha_bar(&base) };
    let bounded = match toy.eps {
        ToyEps::Gauss { .. } => Bounded::Exact,
        ToyEps::Tanh { .. } => Bounded::Grows,
    };
    let (solver, grid) = walk(method, &config, &base, root.count("num_inference_steps")?)?;
    let model = model(toy, config.text_or_empty("prediction_type"))?;
    let mut states = vec![fixture.tensors().images("x_T", run)?];
    for step in steps(&*model, &*solver, &grid, states[0].clone(), &mut Zeros) {
        states.push(step.map_err(FixtureError::refused)?.x);
    }
    for name in fixture.tensors().names().filter(|name| *name != "x_T") {
        let state = name.strip_prefix("x_after_").and_then(|k| states.get(k.parse::<usize>().ok()?));
        let state = state.ok_or_else(|| FixtureError::NotCovered(format!("an item called `{name}`")));
        let published = &fixture.tensors().get(name)?.values;
        let tolerance = tolerances::chain(run, bounded);
        cases.add(name, run, state.map(|x| compare(&values(x.clone()), published, tolerance)));
    }
    Ok(())
}

/// The solver and the grid of a scheduler.
fn walk(method: Method, config: &Node<'_>, base: &Chain, n: usize) -> Result<(Box<dyn Solver<4>>, Grid), FixtureError> {
    let churn = Churn::NONE;
    Ok(match method {
        Method::Euler => (Box::new(Euler { churn }), setting::diffusers_sigmas(config, n)?),
        Method::Heun => (Box::new(Heun { churn }), setting::diffusers_sigmas(config, n)?),
        Method::Ddim => {
            recorded_steps::check_ddim(config)?;
            let keep_eps = config.find("clip_sample").map_or(Ok(true), |clip| clip.as_flag())?;
            (Box::new(Ddim { eta: 0.0, keep_eps }), ddim_grid(config, base, n)?)
        }
    })
}

fn model(toy: Toy, meaning: &str) -> Result<Box<dyn Denoiser<4>>, FixtureError> {
    let variance = OutputVariance::None;
    match meaning {
        "" | "epsilon" => Ok(Box::new(Preconditioned { network: toy, parameterisation: Eps, variance })),
        "v_prediction" => Ok(Box::new(Preconditioned { network: toy, parameterisation: V, variance })),
        other => Err(FixtureError::NotCovered(format!("a toy whose output means `{other}`"))),
    }
}

/// The levels that the DDIM scheduler asks about, where each is the one that the step before it lands at.
fn ddim_grid(config: &Node<'_>, base: &Chain, n: usize) -> Result<Grid, FixtureError> {
    let chain = match config.find("rescale_betas_zero_snr").map_or(Ok(false), |flag| flag.as_flag())? {
        true => base.zero_terminal_snr().map_err(FixtureError::refused)?,
        false => base.clone(),
    };
    let listed = match config.text_or_empty("timestep_spacing") {
        "" | "leading" => peers::diffusers_leading(chain.len(), n, config.count_or("steps_offset", 0)?).map(signed),
        "linspace" => peers::diffusers_linspace(chain.len(), n).map(signed),
        "trailing" => peers::diffusers_trailing(chain.len(), n),
        other => return Err(FixtureError::NotCovered(format!("a spacing called `{other}`"))),
    };
    let listed = listed.map_err(FixtureError::refused)?;
    let gap = (chain.len() / n.max(1)) as i64;
    let lands = listed.windows(2).all(|pair| pair[0] - gap == pair[1]) && listed.last().is_some_and(|t| t - gap < 0);
    if !lands {
        let reason = "steps that land at other levels than the scheduler then asks about".to_owned();
        return Err(FixtureError::NotCovered(reason));
    }
    let ts: Vec<usize> = listed.into_iter().map(|label| label as usize + 1).collect();
    chain.grid_at(&ts).map_err(FixtureError::refused)
}

fn signed(labels: Vec<usize>) -> Vec<i64> {
    labels.into_iter().map(|label| label as i64).collect()
}
