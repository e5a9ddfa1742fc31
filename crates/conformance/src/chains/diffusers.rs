//! Golden vectors of chains, diffusers.

use undrift_denoisers::{Denoiser, Eps, OutputVariance, Preconditioned, V};
use undrift_noise::Zeros;
use undrift_samplers::{Churn, Ddim, Euler, Heun, Solver};
use undrift_schedules::Span;

use super::ddpm::alpha_bar;
use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::values;
use crate::tolerances::{self, Bounded};
use crate::toy::{Toy, ToyEps};
use crate::{setting, steps as recorded_steps};

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
    let (solver, spans) = walk(method, &config, root.count("num_inference_steps")?)?;
    let model = model(toy, config.text_or_empty("prediction_type"))?;
    let mut states = vec![fixture.tensors().images("x_T", run)?];
    for span in &spans {
        let x = states[states.len() - 1].clone();
        let step = solver.step(&*model, x, span, &[], &mut Zeros);
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

/// The solver of a scheduler, none of which remembers anything, and the spans that it crosses.
fn walk(method: Method, config: &Node<'_>, n: usize) -> Result<(Box<dyn Solver<4>>, Vec<Span>), FixtureError> {
    let churn = Churn::NONE;
    let sigmas = || Ok::<_, FixtureError>(setting::diffusers_sigmas(config, n)?.spans().to_vec());
    Ok(match method {
        Method::Euler => (Box::new(Euler { churn }), sigmas()?),
        Method::Heun => (Box::new(Heun { churn }), sigmas()?),
        Method::Ddim => {
            recorded_steps::check_ddim(config)?;
            let keep_eps = config.find("clip_sample").map_or(Ok(true), |clip| clip.as_flag())?;
            (Box::new(Ddim { eta: 0.0, keep_eps }), ddim_spans(config, n)?)
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

/// From each label that the DDIM scheduler asks about to where its step lands, which need not be the next of them.
fn ddim_spans(config: &Node<'_>, n: usize) -> Result<Vec<Span>, FixtureError> {
    let chain = setting::diffusers_ddim_chain(config)?;
    let labels = setting::diffusers_labels(config, chain.len(), n)?.into_iter();
    labels.map(|label| setting::diffusers_ddim_span(config, &chain, label, n)).collect()
}
