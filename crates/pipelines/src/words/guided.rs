//! A process as the flags of guided-diffusion.

use super::name::name;
use super::respacings::respacings;
use crate::{Betas, Predicted, Process, PublishedSolver, StepVariance, X0Limit};
use undrift_checkpoints::Settings;

/// Flags that may say this process; `said` are those that it was read from.
pub(super) fn words(process: &Process, said: &Settings) -> Result<Vec<Settings>, String> {
    let by_ddim = match process.solver {
        PublishedSolver::Ddpm => false,
        PublishedSolver::DDIM => true,
        other => return Err(format!("the sampler `{other}`")),
    };
    let shared = trained(process, "cosine")?
        .with("rescale_timesteps", process.time_factor != 1.0)
        .with("clip_denoised", process.limit != X0Limit::None)
        .with("use_ddim", by_ddim);
    let respaced = |text: String| shared.clone().with("timestep_respacing", text);
    Ok(respacings(&process.visits, said).into_iter().map(respaced).collect())
}

/// What a model is trained for; `cosine` is what the code calls that chain.
pub(super) fn trained(process: &Process, cosine: &str) -> Result<Settings, String> {
    let predicts_x0 = match process.prediction {
        Predicted::Eps => false,
        Predicted::X0 => true,
        other => return Err(format!("`{}` as prediction", name(other))),
    };
    let schedule = match process.chain {
        Betas::Linear { .. } | Betas::LinearScaled { .. } => "linear",
        Betas::Cosine { .. } => cosine,
        ref other => return Err(format!("the chain {}", name(other))),
    };
    Ok(Settings::default()
        .with("diffusion_steps", process.chain.length())
        .with("noise_schedule", schedule)
        .with("predict_xstart", predicts_x0)
        .with("sigma_small", process.variance == StepVariance::FixedSmall))
}
