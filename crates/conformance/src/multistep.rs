//! The multistep schedulers of diffusers as solvers, grids and parameterisations of ours.

use burn::tensor::Tensor;
use undrift_denoisers::{
    DenoiseError, Edm, Eps, Levels, Network, OutputVariance, Parameterisation, Preconditioned, V, X0,
};
use undrift_noise::Zeros;
use undrift_samplers::{DpmSolverPp2m, Pndm, Solver, UniPc, UniPcVariant, sample};
use undrift_schedules::{Chain, Grid, Labels, Level, peers};

use super::error::FixtureError;
use super::fixture::Fixture;
use super::setting;
use super::sidecar::Node;
use super::watched::Watched;

/// Power of the Karras grids of diffusers.
const RHO: f64 = 7.0;

/// A scheduler that was set up with a number of steps.
pub(super) struct Multistep {
    solver: Box<dyn Solver<4>>,
    meaning: Box<dyn Parameterisation>,
    grid: Grid,
    /// Whether the published loop asks once more where it stops, and then does not move.
    asks_at_the_end: bool,
}

/// What a run of a scheduler passed through.
pub(super) struct Visited {
    /// The state of every question, and the last state behind them.
    pub(super) states: Vec<Tensor<4>>,
    /// The labels of the questions.
    pub(super) labels: Vec<f64>,
}

/// Whether a sidecar is about one of these schedulers.
pub(super) fn knows(fixture: &Fixture) -> bool {
    ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "PNDMScheduler"]
        .iter()
        .any(|known| scheduler(fixture).ends_with(known))
}

/// The chain of a configuration, whose ends have published defaults.
pub(super) fn chain(config: &Node<'_>) -> Result<Chain, FixtureError> {
    let name = config.text_or_empty("beta_schedule");
    let (start, end) = (config.number_or("beta_start", 1e-4)?, config.number_or("beta_end", 0.02)?);
    let steps = config.count_or("num_train_timesteps", 1000)?;
    setting::between(if name.is_empty() { "linear" } else { name }, steps, start, end)
}

impl Multistep {
    pub(super) fn read(fixture: &Fixture) -> Result<Self, FixtureError> {
        let (root, scheduler) = (fixture.root(), scheduler(fixture));
        let (config, steps) = (root.get("config")?, root.count("num_inference_steps")?);
        check(&config, scheduler)?;
        match scheduler {
            "EDMDPMSolverMultistepScheduler" => edm(&config, steps),
            "PNDMScheduler" => pndm(&config, steps),
            _ => Ok(Multistep {
                solver: solver(&config, scheduler),
                meaning: meaning(&config)?,
                grid: grid(&config, steps)?,
                asks_at_the_end: false,
            }),
        }
    }

    /// Runs a network from `x` to the end of the grid.
    pub(super) fn run(&self, network: impl Network<4>, x: Tensor<4>) -> Result<Visited, FixtureError> {
        let model = Preconditioned { network, parameterisation: &*self.meaning, variance: OutputVariance::None };
        let watched = Watched::new(model);
        let end = sample(&watched, &*self.solver, &self.grid, x, &mut Zeros).map_err(FixtureError::refused)?;
        let asked = watched.asked.into_inner().into_iter();
        let label = |at: Levels| at.of(0).map_or(f64::NAN, Level::time);
        let (mut states, mut labels): (Vec<_>, Vec<_>) = asked.map(|(x, at)| (x, label(at))).unzip();
        states.push(end.clone());
        if let Some(level) = self.grid.end().filter(|_| self.asks_at_the_end) {
            states.push(end);
            labels.push(level.time());
        }
        Ok(Visited { states, labels })
    }
}

fn scheduler(fixture: &Fixture) -> &str {
    fixture.peer().rsplit(' ').next().unwrap_or_default()
}

/// Settings change numbers, so that one which is not known here makes the file one that is not covered.
fn check(config: &Node<'_>, scheduler: &str) -> Result<(), FixtureError> {
    let (pndm, unipc) = (scheduler == "PNDMScheduler", scheduler == "UniPCMultistepScheduler");
    for (name, value) in config.fields().into_iter().filter(|(name, _)| config.has(name)) {
        let text = value.as_text().unwrap_or_default();
        let known = match name {
            "num_train_timesteps" | "beta_start" | "beta_end" | "beta_schedule" | "prediction_type" => true,
            "steps_offset" | "use_karras_sigmas" | "euler_at_final" | "set_alpha_to_one" => true,
            "sigma_min" | "sigma_max" | "sigma_data" | "rho" => scheduler.starts_with("EDM"),
            "timestep_spacing" => !pndm || text == "leading",
            "algorithm_type" => text == "dpmsolver++",
            "solver_order" => value.as_count()? == 2,
            "solver_type" if unipc => matches!(text, "bh1" | "bh2"),
            "solver_type" => text == "midpoint",
            "final_sigmas_type" => text == "zero",
            "sigma_schedule" => text == "karras",
            // A step to the data is first order whatever DPM-Solver++ was told.
            "lower_order_final" => !unipc || value.as_flag()?,
            "skip_prk_steps" | "predict_x0" => value.as_flag()?,
            "thresholding" | "rescale_betas_zero_snr" => !value.as_flag()?,
            _ => false,
        };
        if !known {
            return Err(FixtureError::NotCovered(format!("a {scheduler} with `{name}` set as it is here")));
        }
    }
    if pndm && !config.has("skip_prk_steps") {
        let reason = "pseudo Runge-Kutta over a chain's own levels halfway".to_owned();
        return Err(FixtureError::NotCovered(reason));
    }
    Ok(())
}

fn solver(config: &Node<'_>, scheduler: &str) -> Box<dyn Solver<4>> {
    match (scheduler, config.text_or_empty("solver_type")) {
        ("UniPCMultistepScheduler", "bh1") => Box::new(UniPc::of(UniPcVariant::B1)),
        ("UniPCMultistepScheduler", _) => Box::new(UniPc::of(UniPcVariant::B2)),
        _ => Box::new(DpmSolverPp2m),
    }
}

fn meaning(config: &Node<'_>) -> Result<Box<dyn Parameterisation>, FixtureError> {
    match config.text_or_empty("prediction_type") {
        "" | "epsilon" => Ok(Box::new(Eps)),
        "sample" => Ok(Box::new(X0)),
        "v_prediction" => Ok(Box::new(V)),
        other => Err(FixtureError::NotCovered(format!("a model output that means `{other}`"))),
    }
}

/// The levels of the published scheduler, which holds its alpha_bars in single precision.
fn grid(config: &Node<'_>, steps: usize) -> Result<Grid, FixtureError> {
    let chain = peers::diffusers_chain(&chain(config)?).map_err(FixtureError::refused)?;
    if config.find("use_karras_sigmas").map_or(Ok(false), |flag| flag.as_flag())? {
        return chain.karras(steps, RHO, Labels::Rounded).map_err(FixtureError::refused);
    }
    let (len, offset) = (chain.len(), config.count_or("steps_offset", 0)?);
    let labels = match config.text_or_empty("timestep_spacing") {
        "" | "linspace" => peers::diffusers_multistep_linspace(len, steps),
        "leading" => peers::diffusers_multistep_leading(len, steps, offset),
        "trailing" => peers::diffusers_trailing(len, steps)
            .map(|labels| labels.into_iter().filter_map(|label| usize::try_from(label).ok()).collect()),
        other => return Err(FixtureError::NotCovered(format!("a spacing called `{other}`"))),
    };
    at_labels(&chain, &labels.map_err(FixtureError::refused)?)
}

fn at_labels(chain: &Chain, labels: &[usize]) -> Result<Grid, FixtureError> {
    let ts: Vec<usize> = labels.iter().map(|label| label + 1).collect();
    chain.grid_at(&ts).map_err(FixtureError::refused)
}

/// It ends at the chain's first level unless it is told otherwise, also when that is the last one it asks about.
fn pndm(config: &Node<'_>, steps: usize) -> Result<Multistep, FixtureError> {
    if !matches!(config.text_or_empty("prediction_type"), "" | "epsilon") {
        let reason = "a mean of outputs that are no eps".to_owned();
        return Err(FixtureError::NotCovered(reason));
    }
    let chain = peers::diffusers_chain(&chain(config)?).map_err(FixtureError::refused)?;
    let labels = peers::diffusers_leading(chain.len(), steps, config.count_or("steps_offset", 0)?);
    let all = at_labels(&chain, &labels.map_err(FixtureError::refused)?)?;
    let to_data = config.find("set_alpha_to_one").map_or(Ok(false), |flag| flag.as_flag())?;
    let (first, mut levels) = (chain.levels()[0], all.levels().collect::<Vec<_>>());
    let asks_at_the_end = !to_data && levels.last() == Some(&first);
    if asks_at_the_end {
        levels.pop();
    }
    let grid = if to_data { Ok(all) } else { Grid::ending_at(levels, first) };
    let grid = grid.map_err(FixtureError::refused)?;
    Ok(Multistep { solver: Box::new(Pndm::Plms), meaning: Box::new(Eps), grid, asks_at_the_end })
}

fn edm(config: &Node<'_>, steps: usize) -> Result<Multistep, FixtureError> {
    let (min, max) = (config.number_or("sigma_min", 0.002)?, config.number_or("sigma_max", 80.0)?);
    let grid = Grid::karras(steps, min, max, config.number_or("rho", RHO)?).map_err(FixtureError::refused)?;
    let grid = grid.with_times(|level| 0.25 * level.sigma().ln()).map_err(FixtureError::refused)?;
    let of_edm = Edm { sigma_data: config.number_or("sigma_data", 0.5)? };
    let meaning: Box<dyn Parameterisation> = match config.text_or_empty("prediction_type") {
        "" | "epsilon" => Box::new(of_edm),
        "v_prediction" => Box::new(Negated(of_edm)),
        other => return Err(FixtureError::NotCovered(format!("a model output that means `{other}`"))),
    };
    Ok(Multistep { solver: Box::new(DpmSolverPp2m), meaning, grid, asks_at_the_end: false })
}

/// What the network of diffusers' `v_prediction` in EDM's preconditioning means: EDM's with the other sign.
struct Negated(Edm);

impl Parameterisation for Negated {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let (c_skip, c_out) = self.0.x0_of(at)?;
        Ok((c_skip, -c_out))
    }

    fn c_in(&self, at: Level) -> f64 {
        self.0.c_in(at)
    }

    fn c_noise(&self, at: Level) -> f64 {
        self.0.c_noise(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(config: serde_json::Value, scheduler: &str) -> bool {
        matches!(check(&Node::root(&config), scheduler), Err(FixtureError::NotCovered(_)))
    }

    #[test]
    fn settings_that_change_the_method_are_not_covered() {
        let dpm = "DPMSolverMultistepScheduler";
        assert!(!refused(json!({"solver_order": 2, "algorithm_type": "dpmsolver++", "thresholding": false}), dpm));
        assert!(refused(json!({"solver_order": 3}), dpm));
        assert!(refused(json!({"algorithm_type": "sde-dpmsolver++"}), dpm));
        assert!(refused(json!({"solver_type": "heun"}), dpm));
        assert!(refused(json!({"use_exponential_sigmas": true}), dpm));
        assert!(refused(json!({"final_sigmas_type": "sigma_min"}), "UniPCMultistepScheduler"));
        assert!(!refused(json!({"solver_type": "bh1"}), "UniPCMultistepScheduler"));
        assert!(!refused(json!({"skip_prk_steps": true}), "PNDMScheduler"));
        assert!(refused(json!({}), "PNDMScheduler") && refused(json!({"skip_prk_steps": false}), "PNDMScheduler"));
    }

    #[test]
    fn pndm_may_ask_once_more_where_it_stops() {
        let ends = |config: serde_json::Value| {
            let read = pndm(&Node::root(&config), 10).unwrap();
            (read.grid.steps(), read.grid.end().map(Level::time), read.asks_at_the_end)
        };
        assert_eq!(ends(json!({})), (9, Some(0.0), true));
        assert_eq!(ends(json!({"steps_offset": 1})), (10, Some(0.0), false));
        assert_eq!(ends(json!({"set_alpha_to_one": true})), (10, None, false));
    }
}
