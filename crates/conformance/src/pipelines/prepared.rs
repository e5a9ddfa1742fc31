//! A folder or file opened with the words of a case, ready to be sampled.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor};
use undrift_checkpoints::{Network, NetworkConfig};
use undrift_noise::Noise;
use undrift_pipelines::{Guidance, Pipeline, Plan, Sampling, released_channels};

use super::words::Words;
use crate::error::FixtureError;

/// Why a folder or file is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("it is a classifier, which makes no images")]
    Classifier,
    #[error("{out} would hold pictures, but this model makes latents ({why})")]
    Latents { out: String, why: String },
    #[error("this network has no label for no class, which --cfg-scale needs")]
    NoNull,
    #[error("class {class} does not exist; there are {known}")]
    NoClass { class: usize, known: usize },
}

/// Everything that is known before weights are read.
pub(super) struct Prepared {
    pipeline: Pipeline,
    plan: Plan,
    guidance: Guidance,
    classes: Vec<usize>,
}

impl Prepared {
    /// Opens a path with the words of a case.
    pub(super) fn new(path: &Path, words: &Words, device: &Device) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let pipeline = Pipeline::open(path, &words.said)?;
        let config = pipeline.published.config();
        if matches!(config, NetworkConfig::Classifier(_)) {
            return Err(Refusal::Classifier.into());
        }
        if let (Some(out), Some(why)) = (words.out.as_ref().filter(|out| out.ends_with(".png")), latent(&pipeline)) {
            return Err(Refusal::Latents { out: out.clone(), why }.into());
        }
        let plan = Plan::new(&pipeline.process, &words.choice, device)?;
        let (guidance, classes) = (guidance(words, config)?, classes(words, config)?);
        Ok(Prepared { pipeline, plan, guidance, classes })
    }

    /// Whether what is drawn is no picture.
    pub(super) fn makes_latents(&self) -> bool {
        latent(&self.pipeline).is_some()
    }

    /// Its network.
    pub(super) fn load(&self, device: &Device, precision: DType) -> Result<Network, FixtureError> {
        self.pipeline.published.load(device, precision).map_err(FixtureError::refused)
    }

    /// What becomes of the noise `x` by this network.
    pub(super) fn walk(
        &self,
        network: &Network,
        x: Tensor<4>,
        noise: &mut dyn Noise<4>,
    ) -> Result<Tensor<4>, FixtureError> {
        let (guidance, classes) = (self.guidance.clone(), self.classes.clone());
        let (process, device) = (&self.pipeline.process, x.device());
        let sampling = Sampling::new(network, process, &self.plan, guidance, classes, &device, 0);
        let drawn = sampling.and_then(|sampling| sampling.walk(x, 0, noise, || ControlFlow::Continue(())));
        let drawn = drawn.map_err(FixtureError::refused)?;
        Ok(drawn.expect("nobody asks to stop"))
    }
}

/// Why images are latents, if they are.
fn latent(pipeline: &Pipeline) -> Option<String> {
    let [channels, _, _] = pipeline.published.config().image_shape();
    let of_channels = || (!matches!(channels, 1 | 3)).then(|| format!("{channels} channels"));
    pipeline.published.latent().map(str::to_owned).or_else(of_channels)
}

fn guidance(words: &Words, config: &NetworkConfig) -> Result<Guidance, Refusal> {
    let Some(scale) = words.cfg_scale else { return Ok(Guidance::None) };
    let null = config.null_label().ok_or(Refusal::NoNull)?;
    Ok(Guidance::ClassifierFree { scale, channels: released_channels(config), null })
}

fn classes(words: &Words, config: &NetworkConfig) -> Result<Vec<usize>, Refusal> {
    let known = config.classes().unwrap_or(0);
    match words.classes.iter().find(|class| **class >= known) {
        Some(class) => Err(Refusal::NoClass { class: *class, known }),
        None if words.classes.is_empty() => Ok((0..known).collect()),
        None => Ok(words.classes.clone()),
    }
}
