//! A process as the file of a scheduler of diffusers.

use crate::scheduler::Scheduler;
use crate::{Betas, Predicted, Process, PublishedSolver, StepVariance, Visits, X0Limit};
use serde_json::Value;
use undrift_checkpoints::Settings;

/// Files that may say this process, the best one first.
pub(super) fn words(process: &Process) -> Result<Vec<Settings>, String> {
    if let Visits::Diffusers(scheduler) = &process.visits {
        return Ok(vec![as_it_was(scheduler)]);
    }
    let class = class(process)?;
    let prediction = match process.prediction {
        Predicted::X0 => "sample",
        Predicted::V => "v_prediction",
        _ => "epsilon",
    };
    let shared = class
        .with("prediction_type", prediction)
        // Trailing steps are those of our own samplers where nothing else is said.
        .with("timestep_spacing", "trailing")
        .with("steps_offset", 0);
    let shared = limited(shared, process.limit);
    Ok(chains(&process.chain)?.into_iter().map(|chain| shared.clone().overlaid(&chain)).collect())
}

/// The file that the process was read from.
fn as_it_was(scheduler: &Scheduler) -> Settings {
    let name = scheduler.settings.value("_class_name").cloned();
    let kept = scheduler.settings.iter().filter(|(key, value)| !is_infinity(key, value));
    let kept = Settings::new(kept.map(|(key, value)| (key.to_owned(), value.clone())).collect());
    kept.with("_class_name", name.unwrap_or_else(|| scheduler.class.name().into()))
}

/// -Infinity, which is no number of JSON, is what diffusers takes where this key is not there.
fn is_infinity(key: &str, value: &Value) -> bool {
    key == "lambda_min_clipped" && value.is_string()
}

fn class(process: &Process) -> Result<Settings, String> {
    let named = |class: &str| Settings::default().with("_class_name", class).with("_diffusers_version", VERSION);
    let ddpm = |variance: &str| Ok(named("DDPMScheduler").with("variance_type", variance));
    match (process.solver, process.variance) {
        (PublishedSolver::DdpmSmall, _) | (PublishedSolver::Ddpm, StepVariance::FixedSmall) => ddpm("fixed_small"),
        (PublishedSolver::DdpmLarge, _) | (PublishedSolver::Ddpm, StepVariance::FixedLarge) => ddpm("fixed_large"),
        (PublishedSolver::Ddpm, StepVariance::LearnedRange) => ddpm("learned_range"),
        (PublishedSolver::Ddim { .. }, _) => Ok(named("DDIMScheduler").with("set_alpha_to_one", true)),
        _ => Err(format!("the sampler `{}`", process.solver)),
    }
}

/// The version whose keys and rules these are.
const VERSION: &str = "0.42.1";

/// Thresholds come from schedulers of diffusers alone, whose files are kept as they were.
fn limited(scheduler: Settings, limit: X0Limit) -> Settings {
    let (clips, range) = match limit {
        X0Limit::Clip { range } => (true, range),
        _ => (false, 1.0),
    };
    scheduler.with("clip_sample", clips).with("clip_sample_range", range).with("thresholding", false)
}

/// The chain by its name, if it has one, and by its betas.
fn chains(chain: &Betas) -> Result<Vec<Settings>, String> {
    let (rescaled, chain) = match chain {
        Betas::ZeroTerminalSnr { of } => (true, &**of),
        other => (false, other),
    };
    let betas = chain.chain().map_err(|error| error.to_string())?.betas().to_vec();
    let shared = Settings::default().with("num_train_timesteps", betas.len()).with("rescale_betas_zero_snr", rescaled);
    let listed = shared.clone().with("trained_betas", betas);
    let named = named(chain).map(|(schedule, start, end)| {
        shared.with("beta_schedule", schedule).with("beta_start", start).with("beta_end", end)
    });
    Ok(named.into_iter().chain([listed]).collect())
}

/// Schedule and ends of a chain that every scheduler knows; `sigmoid` is DDPM's alone.
fn named(chain: &Betas) -> Option<(&'static str, f64, f64)> {
    match *chain {
        Betas::Linear { .. } => Some(("linear", 1e-4, 0.02)),
        Betas::LinearBetween { start, end, .. } => Some(("linear", start, end)),
        Betas::LinearScaled { length } => {
            let scale = 1000.0 / length as f64;
            Some(("linear", scale * 1e-4, scale * 0.02))
        }
        Betas::Quadratic { start, end, .. } | Betas::ScaledLinear { start, end, .. } => {
            Some(("scaled_linear", start, end))
        }
        Betas::Cosine { .. } => Some(("squaredcos_cap_v2", 1e-4, 0.02)),
        _ => None,
    }
}
