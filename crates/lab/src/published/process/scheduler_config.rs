//! A process in the words of diffusers' scheduler.

use super::{Process, X0Limit};
use crate::recipe::{ChainSettings, PredictionName, VarianceName};
use undrift_checkpoints::Settings;

impl Process {
    /// The same as the file of diffusers' `DDPMScheduler`; nothing where that has no words for it.
    pub fn scheduler_config(&self) -> Option<Settings> {
        let (schedule, length, start, end) = match self.chain.clone() {
            ChainSettings::Linear { length } => ("linear", length, 1e-4, 0.02),
            ChainSettings::LinearBetween { length, start, end } => ("linear", length, start, end),
            ChainSettings::LinearScaled { length } => {
                let scale = 1000.0 / length as f64;
                ("linear", length, scale * 1e-4, scale * 0.02)
            }
            ChainSettings::Quadratic { length, start, end } | ChainSettings::ScaledLinear { length, start, end } => {
                ("scaled_linear", length, start, end)
            }
            ChainSettings::Cosine { length } => ("squaredcos_cap_v2", length, 1e-4, 0.02),
            ChainSettings::Sigmoid { .. }
            | ChainSettings::Constant { .. }
            | ChainSettings::Jsd { .. }
            | ChainSettings::WarmUp { .. }
            | ChainSettings::Betas { .. }
            | ChainSettings::ZeroTerminalSnr { .. } => return None,
        };
        let prediction = match self.prediction {
            PredictionName::Eps => "epsilon",
            PredictionName::X0 => "sample",
            PredictionName::V => "v_prediction",
            PredictionName::MuTilde => return None,
        };
        let variance = match self.variance {
            VarianceName::FixedSmall => "fixed_small",
            VarianceName::FixedLarge => "fixed_large",
            VarianceName::LearnedRange => "learned_range",
            VarianceName::Learned => return None,
        };
        let config = Settings::default()
            .with("_class_name", "DDPMScheduler")
            .with("num_train_timesteps", length)
            .with("beta_schedule", schedule)
            .with("beta_start", start)
            .with("beta_end", end)
            .with("prediction_type", prediction)
            .with("variance_type", variance)
            .with("clip_sample", self.limit != X0Limit::None);
        (self.time_factor == 1.0).then_some(config)
    }
}
