//! The process of a row of a recipe, as published codes say such things.

use crate::recipe::{ChainSettings, PredictionName, Settings, VarianceName};
use undrift_pipelines::{Betas, Predicted, Process, StepVariance};

/// The process of a row of a recipe: DDPM's over its chain, with its prediction and variance.
pub fn process_of_row(row: &Settings) -> Process {
    Process {
        chain: Betas::from(&row.chain),
        prediction: row.model.prediction.into(),
        variance: row.model.variance.into(),
        ..Process::ddpm()
    }
}

impl From<&ChainSettings> for Betas {
    fn from(settings: &ChainSettings) -> Self {
        match *settings {
            ChainSettings::Linear { length } => Betas::Linear { length },
            ChainSettings::LinearBetween { length, start, end } => Betas::LinearBetween { length, start, end },
            ChainSettings::LinearScaled { length } => Betas::LinearScaled { length },
            ChainSettings::Cosine { length } => Betas::Cosine { length },
            ChainSettings::Quadratic { length, start, end } => Betas::Quadratic { length, start, end },
            ChainSettings::ScaledLinear { length, start, end } => Betas::ScaledLinear { length, start, end },
            ChainSettings::Sigmoid { length, start, end } => Betas::Sigmoid { length, start, end },
            ChainSettings::Constant { length, beta } => Betas::Constant { length, beta },
            ChainSettings::Jsd { length } => Betas::Jsd { length },
            ChainSettings::WarmUp { length, start, end, fraction } => Betas::WarmUp { length, start, end, fraction },
            ChainSettings::Betas { ref betas } => Betas::Listed { betas: betas.clone() },
            ChainSettings::ZeroTerminalSnr { ref of } => Betas::ZeroTerminalSnr { of: Box::new(Betas::from(&**of)) },
        }
    }
}

impl From<PredictionName> for Predicted {
    fn from(name: PredictionName) -> Self {
        match name {
            PredictionName::Eps => Predicted::Eps,
            PredictionName::X0 => Predicted::X0,
            PredictionName::V => Predicted::V,
            PredictionName::MuTilde => Predicted::MuTilde,
        }
    }
}

impl From<VarianceName> for StepVariance {
    fn from(name: VarianceName) -> Self {
        match name {
            VarianceName::FixedSmall => StepVariance::FixedSmall,
            VarianceName::FixedLarge => StepVariance::FixedLarge,
            VarianceName::Learned => StepVariance::Learned,
            VarianceName::LearnedRange => StepVariance::LearnedRange,
        }
    }
}
