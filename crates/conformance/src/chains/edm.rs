//! Golden vectors of chains, edm.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, EpsilonScaling};
use undrift_noise::Replay;
use undrift_samplers::{Churn, Ddim, DpmSolver2, DpmSolverPp2m, DpmSolverPp2s, Euler, Heun, Labelling, Lms, Solver};
use undrift_schedules::{Grid, peers};

use super::noise;
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{Tolerance, compare};
use crate::edm_toy::EdmToy;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::setting;
use crate::sidecar::Node;
use crate::tensors::{Array, images, values};
use crate::tolerances::{self, Bounded};

/// `edm_sampler` in double precision with and without churn, as published and with EDM-ES's scaled eps; its ablation
/// that visits improved DDPM's sigmas; and samplers of k-diffusion in single precision over the same grid.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let runs = Runs::read(fixture)?;
    for name in fixture.tensors().names().filter(|name| *name != "latents") {
        match name.split_once('/') {
            None if name == "exact_ode_solution" => {
                cases.note(name, "the limit of infinitely many steps, which no run of ours takes");
            }
            None => cases.add(name, Arithmetic::F32, runs.of_k_diffusion(name)),
            Some((setting, item)) => cases.add(name, Arithmetic::F64, runs.of_edm(name, setting, item)),
        }
    }
    Ok(())
}

struct Runs<'a> {
    fixture: &'a Fixture,
    args: Node<'a>,
    toy: EdmToy,
    grid: Grid,
    rows: Vec<Array>,
}

impl<'a> Runs<'a> {
    fn read(fixture: &'a Fixture) -> Result<Self, FixtureError> {
        let args = fixture.root().get("args")?;
        let grid = setting::edm_grid(&args)?;
        let (toy, rows) = (EdmToy::read(fixture.root().text("denoiser")?)?, noise(fixture, grid.steps())?);
        Ok(Runs { fixture, args, toy, grid, rows })
    }

    /// `churn40_lambda1.0/x_before_step5`, `../final` or `ablation_iddpm_linear_none/final`.
    fn of_edm(&self, name: &str, of: &str, item: &str) -> Result<Outcome, FixtureError> {
        let (churn, lambda, grid, tolerance) = match (of, churn_and_scale(of)) {
            ("ablation_iddpm_linear_none", _) => {
                (Churn::NONE, 1.0, self.improved_ddpm()?, tolerances::EDM_OF_SINGLE_SINE)
            }
            (_, Some((churn, lambda))) => {
                let churn = setting::churn(&self.args, churn)?;
                (churn, lambda, self.grid.clone(), tolerances::chain(Arithmetic::F64, Bounded::Exact))
            }
            _ => return Err(FixtureError::NotCovered(uncovered(of))),
        };
        let model = EpsilonScaling::constant(self.toy, lambda).map_err(FixtureError::refused)?;
        let states = self.states(&model, &Heun { churn }, &grid, Arithmetic::F64)?;
        let state = match item.strip_prefix("x_before_step") {
            Some(k) => k.parse().ok().and_then(|k: usize| states.get(k)),
            None => (item == "final").then(|| states.last()).flatten(),
        };
        let unknown = || FixtureError::NotCovered(format!("an item called `{item}`"));
        self.compared(name, state.ok_or_else(unknown)?, tolerance)
    }

    fn of_k_diffusion(&self, name: &str) -> Result<Outcome, FixtureError> {
        let churn = Churn::NONE;
        let solver: Box<dyn Solver<4>> = match name {
            "kdiff_sample_euler" => Box::new(Euler { churn }),
            "kdiff_sample_heun" => Box::new(Heun { churn }),
            "kdiff_sample_euler_ancestral" => Box::new(Ddim { eta: 1.0, keep_eps: false }),
            "kdiff_sample_lms" => Box::new(Lms),
            "kdiff_sample_dpm_2" => Box::new(DpmSolver2 { labelling: Labelling::BySigma }),
            "kdiff_sample_dpmpp_2m" => Box::new(DpmSolverPp2m),
            "kdiff_sample_dpmpp_2s_ancestral" => Box::new(DpmSolverPp2s { eta: 1.0, labelling: Labelling::BySigma }),
            other => return Err(FixtureError::NotCovered(format!("k-diffusion's `{other}`"))),
        };
        let run = Arithmetic::F32;
        let states = self.states(&self.toy, &*solver, &self.grid, run)?;
        let end = states.last().ok_or(FixtureError::NothingCompared)?;
        self.compared(name, end, tolerances::chain(run, Bounded::Exact))
    }

    fn compared(&self, name: &str, state: &[f64], tolerance: Tolerance) -> Result<Outcome, FixtureError> {
        Ok(compare(state, &self.fixture.tensors().get(name)?.values, tolerance))
    }

    /// The sigmas of improved DDPM, with the range and the constants that the published function has for them.
    fn improved_ddpm(&self) -> Result<Grid, FixtureError> {
        let sigmas = peers::edm_iddpm_sigmas(self.grid.steps(), (0.002, 81.0), 1000, 0.001, 0.008);
        sigmas.and_then(Grid::of_sigmas).map_err(FixtureError::refused)
    }

    /// The state before each step and at the end. Row `k` of the noise belongs to step `k`, drawn or not.
    fn states(
        &self,
        model: &dyn Denoiser<4>,
        solver: &dyn Solver<4>,
        grid: &Grid,
        run: Arithmetic,
    ) -> Result<Vec<Vec<f64>>, FixtureError> {
        let mut x: Tensor<4> = self.fixture.tensors().images("latents", run)? * grid.start().sigma();
        let (mut states, mut past) = (vec![values(x.clone())], Vec::new());
        for (span, row) in grid.spans().iter().zip(&self.rows) {
            let mut noise = Replay::new(vec![images("noise", row, run)?]);
            let step = solver.step(model, x, span, &past, &mut noise).map_err(FixtureError::refused)?;
            past.insert(0, step.prediction);
            past.truncate(solver.memory());
            x = step.x;
            states.push(values(x.clone()));
        }
        Ok(states)
    }
}

/// `churn40_lambda1.0006`: S_churn, and lambda, by which eps is divided at every question (EDM-ES).
fn churn_and_scale(of: &str) -> Option<(f64, f64)> {
    let (churn, lambda) = of.strip_prefix("churn")?.split_once("_lambda")?;
    Some((churn.parse().ok()?, lambda.parse().ok()?))
}

fn uncovered(of: &str) -> String {
    match of.strip_prefix("ablation_") {
        Some(ablation) => format!(
            "EDM's ablation `{ablation}`: Heun's method in a time of which sigma and the signal are functions, while \
             ours is in sigma"
        ),
        None => format!("a run called `{of}`"),
    }
}
