//! A row's settings as a plan.

use crate::methods::{MethodError, Methods, Sampler, SamplerSettings};
use crate::recipe::{Built, Experiment, Misfit, Settings, TrainingSettings};
use burn::tensor::Device;
use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Deref;
use undrift_data::Flips;
use undrift_denoisers::Denoiser;
use undrift_networks::Architecture;
use undrift_report::grid_png;
use undrift_samplers::{Outputs, Solver};
use undrift_schedules::Grid;
use undrift_studies::{DataSource, Plan, RunError, Sampling, Scoring, Training};
use undrift_training::{Ema, Optimisation};

/// The note of a checkpoint that holds its row's resolved settings, in TOML.
pub const SETTINGS: &str = "settings";

/// The note of a checkpoint that holds its network's configuration, in JSON.
pub const NETWORK: &str = "network";

/// Samples in a line of a picture, and how often each pixel stands there in each direction.
const COLUMNS: usize = 8;
const ZOOM: usize = 2;

/// One row's settings, and the plan that they make.
pub struct Setup {
    /// The settings.
    pub settings: Settings,
    /// The distance's name, which is FID only for Inception features.
    pub distance: &'static str,
    methods: Methods,
    plan: Plan,
}

impl Setup {
    /// Builds the values that a row's settings name.
    ///
    /// # Errors
    /// [`RunError::Sampler`] with the key whose method does not exist or does not fit.
    pub fn new(methods: &Methods, row: &Experiment, device: &Device) -> Result<Self, RunError> {
        let s = &row.settings;
        let built = Built::of(methods, s)?;
        let plan = Plan {
            id: row.id.clone(),
            label: row.label.clone(),
            variance: built.variance.steps,
            output_variance: built.variance.output,
            conditioning: built.conditioning,
            sampling: sampling(methods, s),
            scoring: Scoring {
                extractor: built.scored.extractor,
                splits: s.metrics.splits,
                further: built.further,
                bits_per_dim_images: s.metrics.bits_per_dim_images,
            },
            notes: notes(s, &*built.network),
            data: DataSource {
                identity: format!("{} {}", s.data.set, s.data.flip),
                from: built.source.from,
                shape: built.source.shape,
                read: built.source.read,
            },
            network: built.network,
            objective: built.objective,
            parameterisation: built.parameterisation,
            chain: built.chain,
            training: training(s),
            picture,
            device: device.clone(),
        };
        Ok(Self { settings: s.clone(), distance: built.scored.distance, methods: methods.clone(), plan })
    }

    /// The plan without the settings.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// What the network's output means.
    pub fn outputs(&self) -> Outputs<'_> {
        outputs(self)
    }

    /// A sampler for this row's chain and variance.
    ///
    /// # Errors
    /// [`MethodError`] names what does not exist or does not fit.
    pub fn sampler(&self, settings: &SamplerSettings) -> Result<Sampler, MethodError> {
        settings.build(&self.methods, &self.chain, self.variance, self.outputs())
    }
}

/// What the network of a plan gives.
pub(crate) fn outputs(plan: &Plan) -> Outputs<'_> {
    Outputs { parameterisation: &*plan.parameterisation, variance: plan.output_variance }
}

impl Deref for Setup {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
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

fn sampling(methods: &Methods, s: &Settings) -> Sampling {
    let (methods, settings) = (methods.clone(), s.sampling.sampler.clone());
    let sampler = move |plan: &Plan| {
        let sampler = settings.build(&methods, &plan.chain, plan.variance, outputs(plan))?;
        Ok(Box::new(sampler) as Box<dyn undrift_studies::Sampler>)
    };
    Sampling {
        count: s.sampling.count,
        batch: s.sampling.batch,
        weights: s.sampling.weights.clone(),
        sampler: Box::new(sampler),
    }
}

fn notes(s: &Settings, network: &dyn Architecture) -> BTreeMap<String, String> {
    let settings = toml::to_string_pretty(s).expect("settings of a loaded recipe have a TOML form");
    BTreeMap::from([(SETTINGS.to_owned(), settings), (NETWORK.to_owned(), network.to_json().to_string())])
}

fn picture(images: &[u8], [channels, height, width]: [usize; 3]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    Ok(grid_png(images, channels, height, width, COLUMNS, ZOOM)?)
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

impl From<Misfit> for RunError {
    fn from(misfit: Misfit) -> Self {
        RunError::Sampler(Box::new(misfit))
    }
}
