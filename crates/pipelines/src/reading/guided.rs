//! The flags of guided-diffusion and improved-diffusion.

use super::respacing;
use crate::{Betas, Predicted, Process, PublishedSolver, StepVariance, Visits, X0Limit};
use undrift_checkpoints::layouts::{Because, GuidedCode, guided_diffusion};
use undrift_checkpoints::{CheckpointError, Reading, Settings};
use undrift_schedules::Spacing;

const DEFAULT: &str = "what the published scripts take";

/// The process of these settings; `twice`: whether the network gives twice the channels of its input.
pub(super) fn process(settings: &Settings, twice: bool) -> Result<Process, CheckpointError> {
    let settings = guided_diffusion::checked(settings)?;
    let mut s = Reading::new(&settings);
    let rescales = rescales(&settings, &mut s)?;
    let length = s.or("diffusion_steps", 1000, DEFAULT)?;
    let chain = match s.or("noise_schedule", "linear".to_owned(), DEFAULT)?.as_str() {
        "linear" => Betas::LinearScaled { length },
        "cosine" => Betas::Cosine { length },
        other => return Err(CheckpointError::unknown("noise_schedule", other, "linear, cosine")),
    };
    let predicts_x0 = s.or("predict_xstart", false, DEFAULT)?;
    let variance = match twice {
        true => StepVariance::LearnedRange,
        false if s.or("sigma_small", false, DEFAULT)? => StepVariance::FixedSmall,
        false => StepVariance::FixedLarge,
    };
    let by_ddim = s.or("use_ddim", false, DEFAULT)?;
    let visits = visits(&chain, &mut s)?;
    let clips = s.or("clip_denoised", true, DEFAULT)?;
    Ok(Process {
        chain,
        prediction: if predicts_x0 { Predicted::X0 } else { Predicted::Eps },
        variance,
        limit: if clips { X0Limit::Clip { range: 1.0 } } else { X0Limit::None },
        time_factor: if rescales { 1000.0 / length as f64 } else { 1.0 },
        solver: if by_ddim { PublishedSolver::DDIM } else { PublishedSolver::Ddpm },
        visits,
        spacing: Spacing::Linspace,
        assumed: s.assumed(),
    })
}

/// Whether time labels are rescaled to 1000: what the code does unless it is told otherwise.
fn rescales(settings: &Settings, s: &mut Reading<'_>) -> Result<bool, CheckpointError> {
    let (code, because) = GuidedCode::of(settings)?;
    if because == Because::Both {
        let why = "flags and tensors fit both codes and no flag of guided-diffusion's own is given; code=guided-diffusion \
                   says otherwise";
        s.assume("code", code.name(), why);
    }
    match code {
        GuidedCode::Improved => s.or("rescale_timesteps", true, "improved-diffusion's default"),
        GuidedCode::Guided => s.or("rescale_timesteps", false, "guided-diffusion's default"),
    }
}

fn visits(chain: &Betas, s: &mut Reading<'_>) -> Result<Visits, CheckpointError> {
    const KEY: &str = "timestep_respacing";
    respacing::visits(KEY, &s.or(KEY, String::new(), "all steps, as the published scripts take")?, chain)
}
