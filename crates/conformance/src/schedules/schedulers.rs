//! Golden vectors of schedules, schedulers.

use undrift_schedules::{Chain, Grid, GridError, Labels, peers};

use super::add;
use super::sigmas::sigmas;
use crate::case::{Cases, Outcome};
use crate::compare::{Tolerance, compare, compare_each};
use crate::error::FixtureError;
use crate::setting;
use crate::sidecar::Node;
use crate::tolerances;

/// Power of the Karras grids of diffusers.
const RHO: f64 = 7.0;

/// The labels and sigmas that a scheduler of diffusers lays out, computed there in single precision.
pub(super) fn run(case: &Node<'_>, label: &str, cases: &mut Cases) -> Result<(), FixtureError> {
    let peer = case.text("peer")?;
    let scheduler = peer.rsplit(' ').next().unwrap_or(peer);
    let layout = layout(scheduler, case)?;
    let label = format!("{label} {scheduler}");
    let times = case.numbers("timesteps")?;
    add(cases, &format!("{label} timesteps"), Ok(layout.compare_times(&times)));
    let published = case.numbers("sigmas")?;
    add(cases, &format!("{label} sigmas"), Ok(layout.compare_sigmas(&published)));
    Ok(())
}

/// How labels come about, and so what single precision does to them.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Whole,
    Even,
    OfSigma,
}

struct Layout {
    times: Vec<f64>,
    labels: Kind,
    /// With the last entry, which is where the last step ends.
    sigmas: Vec<f64>,
    /// The chain whose alpha_bar in single precision the sigmas come from.
    chain: Option<Chain>,
    karras: bool,
}

fn layout(scheduler: &str, case: &Node<'_>) -> Result<Layout, FixtureError> {
    let (args, steps) = (case.get("args")?, case.count("num_inference_steps")?);
    let karras = args.find("use_karras_sigmas").map_or(Ok(false), |flag| flag.as_flag())?;
    if scheduler == "EDMEulerScheduler" {
        return edm(&args, steps);
    }
    let chain = chain(scheduler, &args)?;
    let mut labels = Kind::Even;
    let grid = match (scheduler, karras) {
        ("EulerDiscreteScheduler" | "HeunDiscreteScheduler", false) => chain.respace_between(steps),
        ("EulerDiscreteScheduler" | "HeunDiscreteScheduler", true) => {
            labels = Kind::OfSigma;
            chain.karras(steps, RHO, Labels::Interpolated)
        }
        ("DPMSolverMultistepScheduler", true) => {
            labels = Kind::Whole;
            chain.karras(steps, RHO, Labels::Rounded)
        }
        ("DPMSolverMultistepScheduler", false) => {
            labels = Kind::Whole;
            multistep(&chain, steps)?
        }
        _ => return Err(FixtureError::NotCovered(format!("a scheduler called `{scheduler}`"))),
    };
    let grid = grid.map_err(FixtureError::refused)?;
    let (mut times, mut sigmas) = (times(&grid), sigmas(&grid));
    if scheduler == "HeunDiscreteScheduler" {
        times = peers::diffusers_heun_doubled(&times);
        sigmas = peers::diffusers_heun_doubled(&sigmas);
    }
    let to_data = args.text_or_empty("final_sigmas_type") != "sigma_min";
    sigmas.push(if to_data { 0.0 } else { chain.levels()[0].sigma() });
    Ok(Layout { times, labels, sigmas, chain: Some(chain), karras })
}

fn edm(args: &Node<'_>, steps: usize) -> Result<Layout, FixtureError> {
    let (min, max) = (args.number_or("sigma_min", 0.002)?, args.number_or("sigma_max", 80.0)?);
    let grid = Grid::karras(steps, min, max, args.number_or("rho", RHO)?).map_err(FixtureError::refused)?;
    let mut sigmas = sigmas(&grid);
    // EDM labels a level with a quarter of the logarithm of its sigma.
    let times = sigmas.iter().map(|sigma| 0.25 * sigma.ln()).collect();
    sigmas.push(0.0);
    Ok(Layout { times, labels: Kind::Even, sigmas, chain: None, karras: true })
}

fn multistep(chain: &Chain, steps: usize) -> Result<Result<Grid, GridError>, FixtureError> {
    let labels = peers::diffusers_multistep_linspace(chain.len(), steps).map_err(FixtureError::refused)?;
    let ts: Vec<usize> = labels.into_iter().map(|label| label + 1).collect();
    Ok(chain.grid_at(&ts))
}

/// Schedulers have ends of their own where their arguments name none.
fn chain(scheduler: &str, args: &Node<'_>) -> Result<Chain, FixtureError> {
    let (start, end) = match scheduler {
        "HeunDiscreteScheduler" => (0.00085, 0.012),
        _ => (0.0001, 0.02),
    };
    let steps = args.count_or("num_train_timesteps", 1000)?;
    let (start, end) = (args.number_or("beta_start", start)?, args.number_or("beta_end", end)?);
    let name = args.text_or_empty("beta_schedule");
    setting::between(if name.is_empty() { "linear" } else { name }, steps, start, end)
}

fn times(grid: &Grid) -> Vec<f64> {
    grid.levels().map(|level| level.time()).collect()
}

impl Layout {
    fn compare_times(&self, published: &[f64]) -> Outcome {
        match self.labels {
            Kind::Whole => compare(&self.times, published, Tolerance::EXACT),
            Kind::Even => compare(&self.times, published, tolerances::SINGLE_TIME),
            Kind::OfSigma => compare_each(&self.times, published, |index| self.room_of_label(index)),
        }
    }

    fn compare_sigmas(&self, published: &[f64]) -> Outcome {
        compare_each(&self.sigmas, published, |index| self.room_of_sigma(published[index]))
    }

    fn room_of_sigma(&self, sigma: f64) -> f64 {
        match (&self.chain, self.karras) {
            (None, _) => tolerances::SINGLE_SIGMA.relative * sigma,
            (Some(_), false) => tolerances::single_sigma_of_ratio(sigma),
            (Some(chain), true) => {
                let smallest = chain.levels()[0].sigma();
                tolerances::single_sigma_of_root(sigma, smallest, RHO)
            }
        }
    }

    /// How far the label moves when the sigma it belongs to moves by its own room.
    fn room_of_label(&self, index: usize) -> f64 {
        let (sigma, time) = (self.sigmas[index], self.times[index]);
        let label = |sigma: f64| self.chain.as_ref()?.label_of(sigma, Labels::Interpolated);
        let room = self.room_of_sigma(sigma);
        let ends = [sigma - room, sigma + room].into_iter().filter_map(label);
        let moved = ends.map(|label| (label - time).abs()).fold(0.0, f64::max);
        moved + tolerances::SINGLE_TIME.absolute + tolerances::SINGLE_TIME.relative * time
    }
}
