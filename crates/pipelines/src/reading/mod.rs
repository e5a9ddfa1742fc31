//! The process that a published code's settings say.

mod diffusers;
mod dit;
mod ermongroup;
mod guided;
mod respacing;

use crate::Process;
use undrift_checkpoints::{CheckpointError, Layout, NetworkConfig, Settings};

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Betas, Predicted, StepVariance, Visits, X0Limit};
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
        assert_eq!(found.chain, Betas::ScaledLinear { length: 1000, start: 0.00085, end: 0.012 });
        assert_eq!((found.prediction, found.limit), (Predicted::V, X0Limit::None));
        let error = process(Layout::Diffusers, json!({"prediction_type": "score"})).unwrap_err().to_string();
        assert!(error.contains("prediction_type") && error.contains("score"), "{error}");
    }

    #[test]
    fn each_code_has_its_own_linear_chain_and_words() {
        let improved = process(Layout::GuidedDiffusion, json!({"diffusion_steps": 500, "sigma_small": true})).unwrap();
        assert_eq!(improved.chain, Betas::LinearScaled { length: 500 });
        assert_eq!((improved.variance, improved.time_factor), (StepVariance::FixedSmall, 2.0));
        let ddim = json!({"model": {"var_type": "fixedsmall"}, "diffusion": {"beta_schedule": "quad",
            "beta_start": 0.001, "beta_end": 0.03, "num_diffusion_timesteps": 100}});
        let ddim = process(Layout::Ermongroup, ddim).unwrap();
        assert_eq!(ddim.chain, Betas::Quadratic { length: 100, start: 0.001, end: 0.03 });
        assert_eq!(ddim.variance, StepVariance::FixedSmall);
        let flat = json!({"var_type": "fixedsmall", "beta_schedule": "sigmoid", "num_diffusion_timesteps": 100});
        let flat = process(Layout::Ermongroup, flat).unwrap();
        assert_eq!(flat.chain, Betas::Sigmoid { length: 100, start: 1e-4, end: 0.02 });
        assert_eq!(flat.variance, StepVariance::FixedSmall);
    }

    #[test]
    fn the_variance_of_ddims_code_is_that_of_its_files() {
        for (config, variance) in [
            (DdpmUnetConfig::cifar10(), StepVariance::FixedLarge),
            (DdpmUnetConfig::lsun256(), StepVariance::FixedSmall),
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
        assert_eq!((found.chain, found.time_factor), (Betas::Cosine { length: 4000 }, 0.25));
    }

    #[test]
    fn twice_the_channels_are_a_learned_variance() {
        let config = NetworkConfig::Ddpm(DdpmUnetConfig { out_channels: 6, ..DdpmUnetConfig::cifar10() });
        let found = Process::of(Layout::Ermongroup, &Settings::default(), &config).unwrap();
        assert_eq!(found.variance, StepVariance::LearnedRange);
    }
}
