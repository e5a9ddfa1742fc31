//! A process as the flags of guided-diffusion.

use super::super::{Process, X0Limit};
use super::{name, respacings};
use crate::recipe::{ChainSettings, PredictionName, VarianceName};
use undrift_checkpoints::Settings;

/// Flags that may say this process; `said` are those that it was read from.
pub(super) fn words(process: &Process, said: &Settings) -> Result<Vec<Settings>, String> {
    let by_ddim = match process.solver.to_string().as_str() {
        "ddpm" => false,
        "ddim" => true,
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
        PredictionName::Eps => false,
        PredictionName::X0 => true,
        other => return Err(format!("`{}` as prediction", name(other))),
    };
    let schedule = match process.chain {
        ChainSettings::Linear { .. } | ChainSettings::LinearScaled { .. } => "linear",
        ChainSettings::Cosine { .. } => cosine,
        ref other => return Err(format!("the chain {}", name(other))),
    };
    Ok(Settings::default()
        .with("diffusion_steps", process.chain.length())
        .with("noise_schedule", schedule)
        .with("predict_xstart", predicts_x0)
        .with("sigma_small", process.variance == VarianceName::FixedSmall))
}
