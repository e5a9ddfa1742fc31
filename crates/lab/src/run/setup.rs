//! A row's settings as a plan.

use crate::methods::{MethodError, Outputs, Sampler, SamplerSettings};
use crate::recipe::{DataSettings, Experiment, Extractor, MetricSettings, ObjectiveName, Settings, TrainingSettings};
use crate::registry;
use burn::tensor::Device;
use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Deref;
use std::path::PathBuf;
use undrift_data::Flips;
use undrift_denoisers::Denoiser;
use undrift_metrics::{FashionFeatures, FeatureExtractor, MetricError};
use undrift_report::grid_png;
use undrift_samplers::Solver;
use undrift_schedules::{Chain, Grid};
use undrift_studies::{DataSource, Loss, Objective, Plan, RunError, Sampling, Scoring, Training};
use undrift_training::{Ema, Optimisation};

/// The note of a checkpoint that holds its row's resolved settings, in TOML.
pub const SETTINGS: &str = "settings";

/// The note of a checkpoint that holds its [`DdpmUnetConfig`](undrift_networks::DdpmUnetConfig), in JSON.
pub const NETWORK: &str = "network";

/// Samples in a line of a picture, and how often each pixel stands there in each direction.
const COLUMNS: usize = 8;
const ZOOM: usize = 2;

/// One row's settings, and the plan that they make.
pub struct Setup {
    /// The settings.
    pub settings: Settings,
    plan: Plan,
}

impl Setup {
    /// Builds the values that a row's settings name.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn new(row: &Experiment, device: &Device) -> Result<Self, RunError> {
        let s = &row.settings;
        let chain = registry::chain(&s.chain)?;
        let plan = Plan {
            id: row.id.clone(),
            label: row.label.clone(),
            parameterisation: registry::parameterisation(s.model.prediction, &chain),
            variance: registry::variance(s.model.variance),
            output_variance: registry::output_variance(s.model.variance),
            objective: objective(s),
            network: registry::unet(s),
            data: data(&s.data),
            training: training(s),
            sampling: sampling(s, &chain),
            scoring: scoring(&s.metrics),
            notes: notes(s),
            picture,
            device: device.clone(),
            chain,
        };
        Ok(Self { settings: s.clone(), plan })
    }

    /// The plan without the settings.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// A sampler for this row's chain and variance.
    ///
    /// # Errors
    /// [`MethodError`] names what does not exist or does not fit.
    pub fn sampler(&self, settings: &SamplerSettings) -> Result<Sampler, MethodError> {
        let outputs = Outputs { parameterisation: &*self.parameterisation, variance: self.output_variance };
        settings.build_for(&self.chain, self.variance, outputs)
    }
}

impl Deref for Setup {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

fn objective(s: &Settings) -> Objective {
    let loss = match s.model.objective {
        ObjectiveName::Simple => Loss::Squared,
        ObjectiveName::Bound => Loss::Bound,
        ObjectiveName::Hybrid => Loss::Hybrid,
        ObjectiveName::ImportanceBound => Loss::ImportanceBound,
    };
    Objective {
        loss,
        weighting: registry::weighting(s.model.weighting),
        input_perturbation: s.training.input_perturbation,
        gradient_penalty: s.training.gradient_penalty,
    }
}

fn data(settings: &DataSettings) -> DataSource {
    let read = settings.clone();
    DataSource {
        identity: format!("{settings:?}"),
        from: image_folder(settings),
        shape: registry::image_shape(settings),
        read: Box::new(move |split| registry::images(&read, split)),
    }
}

/// Where images are read from.
pub(super) fn image_folder(data: &DataSettings) -> PathBuf {
    data.path.clone().unwrap_or_else(|| PathBuf::from("the embedded sample"))
}

fn training(s: &Settings) -> Training {
    let t = &s.training;
    Training {
        steps: t.steps,
        batch: t.batch,
        checkpoint_every: t.checkpoint_every,
        log_every: t.log_every,
        flips: if s.data.flip { Flips::Random } else { Flips::None },
        optimisation: optimisation(t),
    }
}

fn optimisation(t: &TrainingSettings) -> Optimisation {
    let ema = if t.ema.ramp { Ema::ramped(t.ema.decay) } else { Ema::new(t.ema.decay) };
    Optimisation {
        warm_up: t.warm_up,
        clip: Some(t.clip),
        weight_penalty: t.weight_penalty,
        ema,
        ..Optimisation::constant(t.learning_rate)
    }
}

fn sampling(s: &Settings, chain: &Chain) -> Sampling {
    let (settings, chain, model) = (s.sampling.sampler.clone(), chain.clone(), s.model);
    let sampler = move || {
        let parameterisation = registry::parameterisation(model.prediction, &chain);
        let variance = registry::output_variance(model.variance);
        let outputs = Outputs { parameterisation: &*parameterisation, variance };
        let sampler = settings.build_for(&chain, registry::variance(model.variance), outputs)?;
        Ok(Box::new(sampler) as Box<dyn undrift_studies::Sampler>)
    };
    Sampling {
        count: s.sampling.count,
        batch: s.sampling.batch,
        weights: s.sampling.weights.clone(),
        sampler: Box::new(sampler),
    }
}

fn scoring(metrics: &MetricSettings) -> Scoring {
    let extractor = match metrics.extractor {
        Extractor::None => None,
        Extractor::FashionMnist => {
            Some(undrift_studies::Extractor { weights: FashionFeatures::weights(), build: fashion_features })
        }
    };
    Scoring { extractor, splits: metrics.splits, bits_per_dim_images: metrics.bits_per_dim_images }
}

fn fashion_features(device: &Device) -> Result<Box<dyn FeatureExtractor>, MetricError> {
    Ok(Box::new(FashionFeatures::new(device)?))
}

fn notes(s: &Settings) -> BTreeMap<String, String> {
    let settings = toml::to_string_pretty(s).expect("settings of a loaded recipe have a TOML form");
    let network = serde_json::to_string(&registry::unet(s)).expect("a valid configuration has a JSON form");
    BTreeMap::from([(SETTINGS.to_owned(), settings), (NETWORK.to_owned(), network)])
}

fn picture(images: &[u8], [channels, height, width]: [usize; 3]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    Ok(grid_png(images, channels, height, width, COLUMNS, ZOOM)?)
}

/// The distance's name, which is FID only for Inception features.
pub fn distance_name(extractor: Extractor) -> &'static str {
    match extractor {
        Extractor::FashionMnist => "FD (Fashion-MNIST features)",
        Extractor::None => "FD (not computed)",
    }
}

impl undrift_studies::Sampler for Sampler {
    fn grid(&self) -> &Grid {
        Sampler::grid(self)
    }

    fn solver(&self) -> &dyn Solver<4> {
        Sampler::solver(self)
    }

    fn denoiser<'a>(&self, network: Box<dyn Denoiser<4> + 'a>) -> Result<Box<dyn Denoiser<4> + 'a>, RunError> {
        Ok(Sampler::denoiser(self, network)?)
    }
}

impl From<MethodError> for RunError {
    fn from(source: MethodError) -> Self {
        RunError::Sampler(Box::new(source))
    }
}
