//! Golden vectors of chains, es_adm.

use undrift_denoisers::{ClipX0, Denoiser, Eps, EpsilonScaling, OutputVariance, Preconditioned, Variance};
use undrift_samplers::{Ancestral, Ddim, Solver};

use super::ddpm::alpha_bar;
use super::walk::Walk;
use crate::case::{Arithmetic, Cases};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::setting;
use crate::sidecar::Node;
use crate::tolerances::{self, Bounded};
use crate::toy::{Toy, ToyEps};

/// Sampling of ADM-ES: ancestral, or DDIM where there is an `eta`, with eps divided by `lambda`.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    let chain = setting::chain(&root.get("schedule")?)?;
    let grid = setting::respaced(&chain, root.text_or_empty("respacing"))?;
    let toy = Toy { eps: ToyEps::read(&root.get("toy")?)?, channel: None, alpha_bar: alpha_bar(&chain) };
    // The published loop clips unless it is told not to.
    let clip = root.find("clip_denoised").map_or(Ok(true), |clip| clip.as_flag())?;
    let (eps, model) = (toy.eps, model(toy, root.number("lambda")?, clip)?);
    let solver = solver(&root)?;
    let walk = Walk { fixture, model: &*model, solver: &*solver, grid: &grid };
    if let Some(used) = root.find("used_timesteps").filter(|used| used.is_list()) {
        let mut used = used.as_numbers()?;
        used.reverse();
        walk.compare_times("used_timesteps", &used, cases);
    }
    for run in Arithmetic::BOTH {
        let tolerance = tolerances::chain(run, bounded(clip, eps));
        walk.compare(&format!("{}/", run.name()), run, tolerance, cases)?;
    }
    Ok(())
}

/// What keeps a chain of a toy small.
pub(super) fn bounded(clip: bool, eps: ToyEps) -> Bounded {
    match (clip, eps) {
        (true, _) => Bounded::Clipped,
        (false, ToyEps::Gauss { .. }) => Bounded::Exact,
        (false, ToyEps::Tanh { .. }) => Bounded::Grows,
    }
}

fn model(toy: Toy, lambda: f64, clip: bool) -> Result<Box<dyn Denoiser<4>>, FixtureError> {
    let model = Preconditioned { network: toy, parameterisation: Eps, variance: OutputVariance::None };
    let scaled = EpsilonScaling::constant(model, lambda).map_err(FixtureError::refused)?;
    match clip {
        true => Ok(Box::new(ClipX0(scaled))),
        false => Ok(Box::new(scaled)),
    }
}

fn solver(root: &Node<'_>) -> Result<Box<dyn Solver<4>>, FixtureError> {
    if root.has("eta") {
        return Ok(Box::new(Ddim { eta: root.number("eta")?, keep_eps: false }));
    }
    match setting::variance(root.text("var_type")?)?.0 {
        Variance::Learned => Err(FixtureError::NotCovered("epsilon scaling with a learned variance".to_owned())),
        variance => Ok(Box::new(Ancestral { variance })),
    }
}
