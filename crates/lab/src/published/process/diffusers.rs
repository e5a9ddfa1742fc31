//! The scheduler of diffusers.

use super::{Process, X0Limit, linear, unknown};
use crate::recipe::{ChainSettings, PredictionName, VarianceName};
use undrift_checkpoints::{CheckpointError, Settings};

/// The process of these settings.
pub(super) fn process(s: &Settings) -> Result<Process, CheckpointError> {
    let length = s.or("num_train_timesteps", 1000)?;
    let (start, end) = (s.or("beta_start", 1e-4)?, s.or("beta_end", 0.02)?);
    let chain = match s.or("beta_schedule", "linear".to_owned())?.as_str() {
        "linear" => linear(length, start, end),
        "scaled_linear" => ChainSettings::ScaledLinear { length, start, end },
        "squaredcos_cap_v2" => ChainSettings::Cosine { length },
        "sigmoid" => ChainSettings::Sigmoid { length, start, end },
        other => return Err(unknown("beta_schedule", other, "linear, scaled_linear, squaredcos_cap_v2, sigmoid")),
    };
    let prediction = match s.or("prediction_type", "epsilon".to_owned())?.as_str() {
        "epsilon" => PredictionName::Eps,
        "sample" => PredictionName::X0,
        "v_prediction" => PredictionName::V,
        other => return Err(unknown("prediction_type", other, "epsilon, sample, v_prediction")),
    };
    let variance = match s.or("variance_type", "fixed_small".to_owned())?.as_str() {
        "fixed_small" | "fixed_small_log" => VarianceName::FixedSmall,
        "fixed_large" | "fixed_large_log" => VarianceName::FixedLarge,
        "learned_range" => VarianceName::LearnedRange,
        other => return Err(unknown("variance_type", other, "fixed_small, fixed_large, learned_range")),
    };
    let limit = if s.or("clip_sample", true)? { X0Limit::Clip { range: 1.0 } } else { X0Limit::None };
    Ok(Process { chain, prediction, variance, limit, ..Process::ddpm() })
}
