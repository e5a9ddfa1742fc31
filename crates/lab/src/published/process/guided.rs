//! The flags of guided-diffusion and improved-diffusion.

use super::{Process, unknown};
use crate::recipe::{ChainSettings, PredictionName, VarianceName};
use undrift_checkpoints::{CheckpointError, Settings};

/// The process of these settings.
pub(super) fn process(s: &Settings) -> Result<Process, CheckpointError> {
    let length = s.or("diffusion_steps", 1000)?;
    let chain = match s.or("noise_schedule", "linear".to_owned())?.as_str() {
        "linear" => ChainSettings::LinearScaled { length },
        "cosine" => ChainSettings::Cosine { length },
        other => return Err(unknown("noise_schedule", other, "linear, cosine")),
    };
    let prediction = if s.or("predict_xstart", false)? { PredictionName::X0 } else { PredictionName::Eps };
    let variance = if s.or("sigma_small", false)? { VarianceName::FixedSmall } else { VarianceName::FixedLarge };
    let time_factor = if s.or("rescale_timesteps", false)? { 1000.0 / length as f64 } else { 1.0 };
    Ok(Process { chain, prediction, variance, time_factor, ..Process::ddpm() })
}
