//! The forward process that a published network was trained with, and what its output means.

use crate::recipe::{ChainSettings, PredictionName, Settings as RowSettings, VarianceName};
use undrift_checkpoints::{CheckpointError, Layout, NetworkConfig, Settings};

/// What a checkpoint's tensors cannot tell: the chain, the meaning of the output, how samples were drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// The forward process.
    pub chain: ChainSettings,
    /// What (the first half of) the output is.
    pub prediction: PredictionName,
    /// The variance of reverse steps; learned where the output has twice the channels.
    pub variance: VarianceName,
    /// Whether the published sampler clips x0 to [-1, 1].
    pub clip: bool,
    /// What the time label is multiplied by before the network sees it.
    pub time_factor: f64,
}

impl Process {
    /// What the settings of the published code say, with its defaults where they say nothing.
    ///
    /// `settings` are those of the network and, for diffusers, of the scheduler's own file. Read are
    /// `beta_schedule`, `beta_start`, `beta_end`, `num_train_timesteps`, `prediction_type`, `clip_sample` and
    /// `variance_type` of diffusers; `noise_schedule`, `diffusion_steps`, `predict_xstart`, `sigma_small` and
    /// `rescale_timesteps` of guided-diffusion; the `diffusion` section and `model.var_type` of ermongroup; for
    /// DiT nothing, as its code has one process.
    ///
    /// # Errors
    /// [`CheckpointError::Setting`] for a value that is not known here.
    pub fn of(layout: Layout, settings: &Settings, config: &NetworkConfig) -> Result<Self, CheckpointError> {
        let mut process = match layout {
            Layout::Diffusers => diffusers(settings)?,
            Layout::Ermongroup => ermongroup(settings)?,
            Layout::GuidedDiffusion | Layout::GuidedClassifier => guided(settings)?,
            Layout::Dit => Process { clip: false, ..Process::ddpm() },
        };
        if config.outputs() == 2 * config.image_shape()[0] {
            process.variance = VarianceName::LearnedRange;
        }
        Ok(process)
    }

    /// That of a row of a recipe.
    pub fn of_row(row: &RowSettings) -> Self {
        let (prediction, variance) = (row.model.prediction, row.model.variance);
        Process { chain: row.chain.clone(), prediction, variance, ..Process::ddpm() }
    }

    /// The same as the file of diffusers' `DDPMScheduler`; nothing where that has no words for it.
    pub fn scheduler_config(&self) -> Option<Settings> {
        let (schedule, length, start, end) = match self.chain {
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
            | ChainSettings::WarmUp { .. } => return None,
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
            .with("clip_sample", self.clip);
        (self.time_factor == 1.0).then_some(config)
    }

    /// DDPM's: eps over the linear chain of 1000 steps, x0 clipped.
    fn ddpm() -> Self {
        Process {
            chain: ChainSettings::Linear { length: 1000 },
            prediction: PredictionName::Eps,
            variance: VarianceName::FixedLarge,
            clip: true,
            time_factor: 1.0,
        }
    }
}

fn diffusers(s: &Settings) -> Result<Process, CheckpointError> {
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
    Ok(Process { chain, prediction, variance, clip: s.or("clip_sample", true)?, time_factor: 1.0 })
}

fn ermongroup(s: &Settings) -> Result<Process, CheckpointError> {
    let diffusion = s.section("diffusion")?;
    let length = diffusion.or("num_diffusion_timesteps", 1000)?;
    let (start, end) = (diffusion.or("beta_start", 1e-4)?, diffusion.or("beta_end", 0.02)?);
    let chain = match diffusion.or("beta_schedule", "linear".to_owned())?.as_str() {
        "linear" => linear(length, start, end),
        "quad" => ChainSettings::Quadratic { length, start, end },
        "const" => ChainSettings::Constant { length, beta: end },
        "jsd" => ChainSettings::Jsd { length },
        other => return Err(unknown("diffusion.beta_schedule", other, "linear, quad, const, jsd")),
    };
    let variance = match s.section("model")?.or("var_type", "fixedlarge".to_owned())?.as_str() {
        "fixedlarge" => VarianceName::FixedLarge,
        "fixedsmall" => VarianceName::FixedSmall,
        other => return Err(unknown("model.var_type", other, "fixedlarge, fixedsmall")),
    };
    Ok(Process { chain, variance, ..Process::ddpm() })
}

fn guided(s: &Settings) -> Result<Process, CheckpointError> {
    let length = s.or("diffusion_steps", 1000)?;
    let chain = match s.or("noise_schedule", "linear".to_owned())?.as_str() {
        "linear" => ChainSettings::LinearScaled { length },
        "cosine" => ChainSettings::Cosine { length },
        other => return Err(unknown("noise_schedule", other, "linear, cosine")),
    };
    let prediction = if s.or("predict_xstart", false)? { PredictionName::X0 } else { PredictionName::Eps };
    let variance = if s.or("sigma_small", false)? { VarianceName::FixedSmall } else { VarianceName::FixedLarge };
    let time_factor = if s.or("rescale_timesteps", false)? { 1000.0 / length as f64 } else { 1.0 };
    Ok(Process { chain, prediction, variance, clip: true, time_factor })
}

fn linear(length: usize, start: f64, end: f64) -> ChainSettings {
    if (start, end) == (1e-4, 0.02) {
        return ChainSettings::Linear { length };
    }
    ChainSettings::LinearBetween { length, start, end }
}

fn unknown(key: &str, value: &str, known: &str) -> CheckpointError {
    CheckpointError::Setting { key: key.to_owned(), value: value.to_owned(), expected: format!("known are {known}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use undrift_networks::DdpmUnetConfig;

    fn process(layout: Layout, settings: serde_json::Value) -> Result<Process, CheckpointError> {
        let config = NetworkConfig::Ddpm(DdpmUnetConfig::cifar10());
        Process::of(layout, &Settings::new(settings.as_object().unwrap().clone()), &config)
    }

    #[test]
    fn schedulers_of_diffusers_are_understood() {
        let google = json!({"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02,
            "num_train_timesteps": 1000, "clip_sample": true, "variance_type": "fixed_large"});
        let found = process(Layout::Diffusers, google).unwrap();
        assert_eq!(found, Process::ddpm());
        let latent = json!({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
            "prediction_type": "v_prediction", "clip_sample": false});
        let found = process(Layout::Diffusers, latent).unwrap();
        assert_eq!(found.chain, ChainSettings::ScaledLinear { length: 1000, start: 0.00085, end: 0.012 });
        assert_eq!((found.prediction, found.clip), (PredictionName::V, false));
        let error = process(Layout::Diffusers, json!({"prediction_type": "score"})).unwrap_err().to_string();
        assert!(error.contains("prediction_type") && error.contains("score"), "{error}");
    }

    #[test]
    fn a_process_goes_into_a_scheduler_and_back() {
        let linear = Process { chain: ChainSettings::Linear { length: 250 }, ..Process::ddpm() };
        let cosine = Process {
            chain: ChainSettings::Cosine { length: 4000 },
            prediction: PredictionName::V,
            variance: VarianceName::FixedSmall,
            clip: false,
            ..Process::ddpm()
        };
        for process in [linear, cosine] {
            let config = NetworkConfig::Ddpm(DdpmUnetConfig::cifar10());
            let written = process.scheduler_config().unwrap();
            assert_eq!(Process::of(Layout::Diffusers, &written, &config).unwrap(), process);
        }
        let mu_tilde = Process { prediction: PredictionName::MuTilde, ..Process::ddpm() };
        assert_eq!(mu_tilde.scheduler_config(), None);
    }

    #[test]
    fn each_code_has_its_own_linear_chain_and_words() {
        let guided = process(Layout::GuidedDiffusion, json!({"diffusion_steps": 500, "sigma_small": true})).unwrap();
        assert_eq!(guided.chain, ChainSettings::LinearScaled { length: 500 });
        assert_eq!((guided.variance, guided.time_factor), (VarianceName::FixedSmall, 1.0));
        let ddim = json!({"model": {"var_type": "fixedsmall"}, "diffusion": {"beta_schedule": "quad",
            "beta_start": 0.001, "beta_end": 0.03, "num_diffusion_timesteps": 100}});
        let ddim = process(Layout::Ermongroup, ddim).unwrap();
        assert_eq!(ddim.chain, ChainSettings::Quadratic { length: 100, start: 0.001, end: 0.03 });
        assert_eq!(ddim.variance, VarianceName::FixedSmall);
    }

    #[test]
    fn labels_of_longer_chains_are_rescaled_if_the_model_was() {
        let improved = json!({"diffusion_steps": 4000, "noise_schedule": "cosine", "rescale_timesteps": true});
        let found = process(Layout::GuidedDiffusion, improved).unwrap();
        assert_eq!((found.chain, found.time_factor), (ChainSettings::Cosine { length: 4000 }, 0.25));
    }

    #[test]
    fn twice_the_channels_are_a_learned_variance() {
        let config = NetworkConfig::Ddpm(DdpmUnetConfig { out_channels: 6, ..DdpmUnetConfig::cifar10() });
        let found = Process::of(Layout::Ermongroup, &Settings::default(), &config).unwrap();
        assert_eq!(found.variance, VarianceName::LearnedRange);
    }
}
