//! A process in the words of DDIM's code.

use super::name::name;
use crate::{Betas, Predicted, Process, PublishedSolver, StepVariance, Visits};
use undrift_checkpoints::{CheckpointError, Settings};

/// Settings that may say this process; `said` are those that it was read from, in parts or not.
pub(super) fn words(process: &Process, said: &Settings) -> Result<Vec<Settings>, String> {
    if process.prediction != Predicted::Eps {
        return Err(format!("`{}` as prediction", name(process.prediction)));
    }
    let shared = sampler(process, chain(&process.chain)?)?;
    let visits = visits(process, said).map_err(|error| error.to_string())?;
    Ok(visits.into_iter().map(|visits| shared.clone().overlaid(&visits)).collect())
}

fn chain(chain: &Betas) -> Result<Settings, String> {
    let length = chain.length();
    let (schedule, start, end) = match *chain {
        Betas::Linear { .. } => ("linear", 1e-4, 0.02),
        Betas::LinearBetween { start, end, .. } => ("linear", start, end),
        Betas::LinearScaled { .. } => {
            let scale = 1000.0 / length as f64;
            ("linear", scale * 1e-4, scale * 0.02)
        }
        Betas::Quadratic { start, end, .. } | Betas::ScaledLinear { start, end, .. } => ("quad", start, end),
        Betas::Constant { beta, .. } => ("const", beta, beta),
        Betas::Sigmoid { start, end, .. } => ("sigmoid", start, end),
        // Its ends are 1/T and 1 whatever is written.
        Betas::Jsd { .. } => ("jsd", 1e-4, 0.02),
        _ => return Err(format!("the chain {}", name(chain))),
    };
    Ok(Settings::default()
        .with("num_diffusion_timesteps", length)
        .with("beta_schedule", schedule)
        .with("beta_start", start)
        .with("beta_end", end))
}

/// The sampler of `main.py`, which has two, or ours for what it has not: `ddpm`, whose variance is `var_type`.
fn sampler(process: &Process, settings: Settings) -> Result<Settings, String> {
    let variance = match process.variance {
        StepVariance::FixedSmall => "fixedsmall",
        _ => "fixedlarge",
    };
    let settings = settings.with("var_type", variance);
    match (process.solver, process.variance) {
        (PublishedSolver::DdpmLarge, _) | (PublishedSolver::Ddpm, StepVariance::FixedLarge) => {
            Ok(settings.with("sample_type", "ddpm_noisy"))
        }
        (PublishedSolver::Ddpm, _) => Ok(settings.with("sample_type", "ddpm")),
        (PublishedSolver::Ddim { eta, keep_eps: false }, _) => {
            Ok(settings.with("sample_type", "generalized").with("eta", eta))
        }
        _ => Err(format!("the sampler `{}`", process.solver)),
    }
}

/// The levels that are visited, as many as were said or as there are.
fn visits(process: &Process, said: &Settings) -> Result<Vec<Settings>, CheckpointError> {
    let steps = match &process.visits {
        Visits::Chosen(ts) => vec![said.or("timesteps", ts.len())?, ts.len()],
        _ => vec![process.chain.length()],
    };
    let placed = |steps: usize| {
        ["uniform", "quad"].map(|kind| Settings::default().with("skip_type", kind).with("timesteps", steps))
    };
    Ok(steps.into_iter().flat_map(placed).collect())
}
