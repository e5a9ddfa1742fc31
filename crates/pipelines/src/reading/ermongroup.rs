//! A yml file of the code of DDIM, and what its `main.py` takes.

use crate::{Betas, Process, PublishedSolver, StepVariance, Visits, X0Limit};
use undrift_checkpoints::layouts::ermongroup;
use undrift_checkpoints::{CheckpointError, Reading, Settings};
use undrift_schedules::Spacing;
use undrift_schedules::peers::{ermongroup_quadratic, ermongroup_uniform};

const FILES: &str = "as in all of the published yml files";
const MAIN: &str = "what the published main.py takes";

/// The process of these settings, in parts or not; `twice`: whether the network gives twice the channels of its input.
pub(super) fn process(settings: &Settings, image_size: usize, twice: bool) -> Result<Process, CheckpointError> {
    let settings = ermongroup::checked(settings)?;
    let mut s = Reading::new(&settings);
    let length = s.or("num_diffusion_timesteps", 1000, FILES)?;
    let chain = chain(length, &mut s)?;
    let variance = if twice { StepVariance::LearnedRange } else { variance(image_size, &mut s)? };
    let (solver, limit) = sampler(&mut s)?;
    let (visits, spacing) = visits(length, &mut s)?;
    Ok(Process { chain, variance, limit, solver, visits, spacing, assumed: s.assumed(), ..Process::ddpm() })
}

fn chain(length: usize, s: &mut Reading<'_>) -> Result<Betas, CheckpointError> {
    let kind = s.or("beta_schedule", "linear".to_owned(), FILES)?;
    let mut ends = || Ok::<_, CheckpointError>((s.or("beta_start", 1e-4, FILES)?, s.or("beta_end", 0.02, FILES)?));
    Ok(match kind.as_str() {
        "jsd" => Betas::Jsd { length },
        "const" => Betas::Constant { length, beta: s.or("beta_end", 0.02, FILES)? },
        "linear" => {
            let (start, end) = ends()?;
            Betas::linear(length, start, end)
        }
        "quad" => {
            let (start, end) = ends()?;
            Betas::Quadratic { length, start, end }
        }
        "sigmoid" => {
            let (start, end) = ends()?;
            Betas::Sigmoid { length, start, end }
        }
        other => return Err(CheckpointError::unknown("beta_schedule", other, "linear, quad, const, jsd, sigmoid")),
    })
}

/// The variance that a model was trained for. The published loops never look at it; a ddpm of ours does.
fn variance(image_size: usize, s: &mut Reading<'_>) -> Result<StepVariance, CheckpointError> {
    let (usual, why) = match image_size {
        256 => ("fixedsmall", "as in the published yml files for images of 256"),
        _ => ("fixedlarge", "as in the published yml files for images of 32 and 64"),
    };
    match s.or("var_type", usual.to_owned(), why)?.as_str() {
        "fixedlarge" => Ok(StepVariance::FixedLarge),
        "fixedsmall" => Ok(StepVariance::FixedSmall),
        other => Err(CheckpointError::unknown("var_type", other, "fixedlarge, fixedsmall")),
    }
}

/// `generalized` is DDIM and never clipped; `ddpm_noisy` clips and has the large variance, whatever `var_type` says.
/// `ddpm` is a word of ours, which `export` writes: it clips and has the variance `var_type`.
fn sampler(s: &mut Reading<'_>) -> Result<(PublishedSolver, X0Limit), CheckpointError> {
    match s.or("sample_type", "generalized".to_owned(), MAIN)?.as_str() {
        "generalized" => {
            let eta: f64 = s.or("eta", 0.0, MAIN)?;
            Ok((PublishedSolver::Ddim { eta, keep_eps: false }, X0Limit::None))
        }
        "ddpm_noisy" => Ok((PublishedSolver::DdpmLarge, X0Limit::Clip { range: 1.0 })),
        "ddpm" => Ok((PublishedSolver::Ddpm, X0Limit::Clip { range: 1.0 })),
        other => Err(CheckpointError::unknown("sample_type", other, "generalized, ddpm_noisy, ddpm")),
    }
}

/// The levels of `skip_type` and `timesteps`. A level that the published list repeats is visited once: its code stays
/// there the other times.
fn visits(length: usize, s: &mut Reading<'_>) -> Result<(Visits, Spacing), CheckpointError> {
    const STEPS: &str = "timesteps";
    let kind = s.or("skip_type", "uniform".to_owned(), MAIN)?;
    let steps: usize = s.or(STEPS, length, "all of them, as the published main.py takes")?;
    let (indices, spacing) = match kind.as_str() {
        "uniform" => (ermongroup_uniform(length, steps), Spacing::Leading),
        "quad" => (ermongroup_quadratic(length, steps), Spacing::Quadratic),
        other => return Err(CheckpointError::unknown("skip_type", other, "uniform, quad")),
    };
    let mut ts: Vec<usize> = indices
        .map_err(|error| CheckpointError::Setting {
            key: STEPS.to_owned(),
            value: steps.to_string(),
            expected: error.to_string(),
        })?
        .into_iter()
        .rev()
        .map(|index| index + 1)
        .collect();
    ts.dedup();
    Ok((if ts.len() == length { Visits::All } else { Visits::Chosen(ts) }, spacing))
}
