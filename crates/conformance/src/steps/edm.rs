//! Golden vectors of steps, edm.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, EpsilonScaling};
use undrift_noise::Replay;
use undrift_samplers::{Euler, Heun, Solver};
use undrift_schedules::Grid;

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{Tolerance, compare};
use crate::edm_toy::EdmToy;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::values;
use crate::watched::Watched;
use crate::{setting, tolerances};

const RUN: Arithmetic = Arithmetic::F64;

/// `edm_sampler` step by step in double precision: the state before and after churn and after the Euler half of
/// each step, and the end, also of its variant that makes Euler's steps alone and with EDM-ES's scaled eps.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    let args = root.get("args")?;
    let (grid, churn) = (setting::edm_grid(&args)?, setting::churn(&args, args.number("S_churn")?)?);
    let toy = EdmToy::read(root.text("denoiser")?)?;
    let heun = Run::of(&Heun { churn: churn.clone() }, &grid, &toy, fixture)?;
    let euler = Run::of(&Euler { churn: churn.clone() }, &grid, &toy, fixture)?;
    let scaled = |lambda| -> Result<Run, FixtureError> {
        let model = EpsilonScaling::constant(toy, lambda).map_err(FixtureError::refused)?;
        Run::of(&Heun { churn: churn.clone() }, &grid, &model, fixture)
    };
    heun.compare_sigmas(&root.get("steps")?, cases);
    for name in fixture.tensors().names().filter(|name| *name != "latents" && !name.ends_with("/noise")) {
        let ours = match (name, scale(name)) {
            ("euler_final", _) => euler.item("final"),
            (_, Some(lambda)) => scaled(lambda).and_then(|run| run.item("final")),
            _ => heun.item(name),
        };
        let compared = ours.and_then(|ours| compared(fixture, name, ours));
        cases.add(name, RUN, compared);
    }
    Ok(())
}

/// `es_lambda1.0006/heun_final`: lambda, by which eps is divided at every question (EDM-ES).
fn scale(name: &str) -> Option<f64> {
    name.strip_prefix("es_lambda")?.strip_suffix("/heun_final")?.parse().ok()
}

fn compared(fixture: &Fixture, name: &str, ours: Tensor<4>) -> Result<Outcome, FixtureError> {
    let published = &fixture.tensors().get(name)?.values;
    Ok(compare(&values(ours), published, tolerances::step(RUN)))
}

/// What happened in one run.
struct Run {
    steps: Vec<Crossed>,
    end: Tensor<4>,
}

/// What happened in one step: the state before it, what the model was asked about, and at which sigma first.
struct Crossed {
    x: Tensor<4>,
    asked: Vec<Tensor<4>>,
    sigma_hat: f64,
    sigma_next: f64,
}

impl Run {
    fn of(
        solver: &dyn Solver<4>,
        grid: &Grid,
        model: &dyn Denoiser<4>,
        fixture: &Fixture,
    ) -> Result<Self, FixtureError> {
        let mut x = fixture.tensors().images("latents", RUN)? * grid.start().sigma();
        let mut steps = Vec::new();
        for (k, span) in grid.spans().iter().enumerate() {
            let model = Watched::new(model);
            let mut noise = Replay::new(vec![fixture.tensors().images(&format!("step{k}/noise"), RUN)?]);
            let step = solver.step(&model, x.clone(), span, &[], &mut noise).map_err(FixtureError::refused)?;
            let sigma_hat = step.prediction.at().of(0).map_or(f64::NAN, |level| level.sigma());
            let asked = model.asked.into_inner().into_iter().map(|(x, _)| x).collect();
            steps.push(Crossed { x, asked, sigma_hat, sigma_next: span.to_sigma() });
            x = step.x;
        }
        Ok(Run { steps, end: x })
    }

    /// `final`, `step0/x_cur`, `step0/x_hat` or `step0/x_euler`.
    fn item(&self, name: &str) -> Result<Tensor<4>, FixtureError> {
        let found = match name.split_once('/') {
            None if name == "final" => Some(&self.end),
            Some((step, what)) => {
                let k = step.strip_prefix("step").and_then(|k| k.parse::<usize>().ok());
                k.and_then(|k| self.steps.get(k)).and_then(|step| match what {
                    "x_cur" => Some(&step.x),
                    "x_hat" => step.asked.first(),
                    "x_euler" => step.asked.get(1),
                    _ => None,
                })
            }
            None => None,
        };
        found.cloned().ok_or_else(|| FixtureError::NotCovered(format!("an item called `{name}`")))
    }

    fn compare_sigmas(&self, listed: &Node<'_>, cases: &mut Cases) {
        for (k, published) in listed.members().into_iter().enumerate() {
            let crossed = self.steps.get(k);
            for (field, ours) in [("t_hat", crossed.map(|c| c.sigma_hat)), ("t_next", crossed.map(|c| c.sigma_next))] {
                if let (Some(Ok(sigma)), Some(ours)) = (published.find(field).map(|n| n.as_number()), ours) {
                    let compared = compare(&[ours], &[sigma], Tolerance::relative(1e-12));
                    cases.add(&format!("step{k}/{field}"), RUN, Ok(compared));
                }
            }
        }
    }
}
