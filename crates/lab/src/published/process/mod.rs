//! The forward process that a published network was trained with, and what its output means.

mod diffusers;
mod dit;
mod ermongroup;
mod guided;
mod respacing;
mod scheduler;
mod words;

pub(super) use scheduler::{Class, Layout as Spacings, Rules, Scheduler, stepping};

use crate::methods::{Method, SpacingName};
use crate::recipe::{ChainSettings, PredictionName, Settings as RowSettings, VarianceName};
pub use undrift_checkpoints::Assumed;
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
    /// What the published sampler does to x0.
    pub limit: X0Limit,
    /// What the time label is multiplied by before the network sees it.
    pub time_factor: f64,
    /// The published code's own sampler.
    pub solver: Method,
    /// Which levels the published code visits.
    pub visits: Visits,
    /// How they are chosen where only their number is said.
    pub spacing: SpacingName,
    /// What was taken because nothing was said.
    pub assumed: Vec<Assumed>,
}

/// What a sampler does to the clean data believed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum X0Limit {
    /// Nothing.
    None,
    /// Clips it to `[-range, range]`.
    Clip {
        /// Largest absolute value.
        range: f64,
    },
    /// Brings it into range by a quantile of each sample (Saharia et al. 2022, arXiv:2205.11487).
    Threshold {
        /// The quantile.
        ratio: f64,
        /// The largest threshold.
        most: f64,
    },
}

/// Which levels of the chain are visited where the command line does not say.
#[derive(Clone, Debug, PartialEq)]
pub enum Visits {
    /// All.
    All,
    /// Those of these t, noisiest first, as `timestep_respacing` of guided-diffusion chooses them.
    Chosen(Vec<usize>),
    /// As a scheduler of diffusers chooses them.
    Diffusers(Box<Scheduler>),
}

impl Process {
    /// What the settings of the published code say, with its defaults where they say nothing.
    ///
    /// `settings` are, for diffusers, those of the scheduler; for any other code those of its configuration or flags.
    ///
    /// # Errors
    /// [`CheckpointError::Setting`] for a value that is not known here.
    pub fn of(layout: Layout, settings: &Settings, config: &NetworkConfig) -> Result<Self, CheckpointError> {
        let [channels, height, _] = config.image_shape();
        let twice = config.outputs() == 2 * channels;
        match layout {
            Layout::Diffusers => diffusers::process(settings, twice),
            Layout::Ermongroup => ermongroup::process(settings, height, twice),
            Layout::GuidedDiffusion => guided::process(settings, twice),
            // A classifier is asked at the levels of the network that it guides.
            Layout::GuidedClassifier => Ok(Process::ddpm()),
            Layout::Dit => dit::process(settings, twice),
        }
    }

    /// That of a row of a recipe.
    pub fn of_row(row: &RowSettings) -> Self {
        let (prediction, variance) = (row.model.prediction, row.model.variance);
        Process { chain: row.chain.clone(), prediction, variance, ..Process::ddpm() }
    }

    /// DDPM's: eps over the linear chain of 1000 steps, x0 clipped.
    fn ddpm() -> Self {
        Process {
            chain: ChainSettings::Linear { length: 1000 },
            prediction: PredictionName::Eps,
            variance: VarianceName::FixedLarge,
            limit: X0Limit::Clip { range: 1.0 },
            time_factor: 1.0,
            solver: Method::named("ddpm"),
            visits: Visits::All,
            spacing: SpacingName::default(),
            assumed: Vec::new(),
        }
    }
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
        let expected = Process::ddpm();
        assert_eq!((&found.chain, found.limit), (&expected.chain, expected.limit));
        assert_eq!((found.prediction, found.variance), (expected.prediction, expected.variance));
        let latent = json!({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
            "prediction_type": "v_prediction", "clip_sample": false});
        let found = process(Layout::Diffusers, latent).unwrap();
        assert_eq!(found.chain, ChainSettings::ScaledLinear { length: 1000, start: 0.00085, end: 0.012 });
        assert_eq!((found.prediction, found.limit), (PredictionName::V, X0Limit::None));
        let error = process(Layout::Diffusers, json!({"prediction_type": "score"})).unwrap_err().to_string();
        assert!(error.contains("prediction_type") && error.contains("score"), "{error}");
    }

    #[test]
    fn each_code_has_its_own_linear_chain_and_words() {
        let improved = process(Layout::GuidedDiffusion, json!({"diffusion_steps": 500, "sigma_small": true})).unwrap();
        assert_eq!(improved.chain, ChainSettings::LinearScaled { length: 500 });
        assert_eq!((improved.variance, improved.time_factor), (VarianceName::FixedSmall, 2.0));
        let ddim = json!({"model": {"var_type": "fixedsmall"}, "diffusion": {"beta_schedule": "quad",
            "beta_start": 0.001, "beta_end": 0.03, "num_diffusion_timesteps": 100}});
        let ddim = process(Layout::Ermongroup, ddim).unwrap();
        assert_eq!(ddim.chain, ChainSettings::Quadratic { length: 100, start: 0.001, end: 0.03 });
        assert_eq!(ddim.variance, VarianceName::FixedSmall);
        let flat = json!({"var_type": "fixedsmall", "beta_schedule": "sigmoid", "num_diffusion_timesteps": 100});
        let flat = process(Layout::Ermongroup, flat).unwrap();
        assert_eq!(flat.chain, ChainSettings::Sigmoid { length: 100, start: 1e-4, end: 0.02 });
        assert_eq!(flat.variance, VarianceName::FixedSmall);
    }

    #[test]
    fn the_variance_of_ddims_code_is_that_of_its_files() {
        for (config, variance) in [
            (DdpmUnetConfig::cifar10(), VarianceName::FixedLarge),
            (DdpmUnetConfig::lsun256(), VarianceName::FixedSmall),
        ] {
            let found = Process::of(Layout::Ermongroup, &Settings::default(), &NetworkConfig::Ddpm(config)).unwrap();
            assert_eq!(found.variance, variance);
            assert!(found.assumed.iter().any(|one| one.key == "var_type"));
        }
    }

    #[test]
    fn each_code_draws_as_its_own_scripts_do() {
        let drawn = |layout, settings| {
            let found = process(layout, settings).unwrap();
            let steps = match found.visits {
                Visits::Chosen(ts) => ts,
                _ => Vec::new(),
            };
            (found.solver.to_string(), found.limit, steps)
        };
        let clip = X0Limit::Clip { range: 1.0 };
        let guided = |settings| drawn(Layout::GuidedDiffusion, settings);
        assert_eq!(guided(json!({})), ("ddpm".into(), clip, vec![]));
        let asked = json!({"use_ddim": "True", "clip_denoised": false, "timestep_respacing": "ddim2"});
        assert_eq!(guided(asked), ("ddim".into(), X0Limit::None, vec![501, 1]));
        let ddim = |settings| drawn(Layout::Ermongroup, settings);
        assert_eq!(ddim(json!({})), ("ddim".into(), X0Limit::None, vec![]));
        let asked = json!({"timesteps": 4, "skip_type": "quad", "eta": 0.5});
        assert_eq!(ddim(asked), ("ddim:eta=0.5".into(), X0Limit::None, vec![801, 356, 89, 1]));
        let noisy = json!({"sample_type": "ddpm_noisy", "timesteps": "3", "var_type": "fixedsmall"});
        assert_eq!(ddim(noisy), ("ddpm-large".into(), clip, vec![1000, 667, 334, 1]));
        let (solver, limit, steps) = drawn(Layout::Dit, json!({"image_size": 256}));
        assert_eq!((solver.as_str(), limit, steps.len()), ("ddpm", X0Limit::None, 250));
        let (_, _, steps) = drawn(Layout::Dit, json!({"num_sampling_steps": 2}));
        assert_eq!(steps, [1000, 1]);
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
