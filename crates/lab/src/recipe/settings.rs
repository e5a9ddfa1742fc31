//! The settings of one experiment, as serde types.

use crate::methods::{Method, MethodError, SamplerSettings};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::{Table, Value};
use undrift_losses::InputPerturbation;

/// Every setting of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Images to train on and to compare with.
    pub data: DataSettings,
    /// What the network predicts and what training minimises.
    pub model: ModelSettings,
    /// The network; the DDPM U-Net where no `kind` is given.
    #[serde(deserialize_with = "network")]
    pub network: Method,
    /// The forward process.
    pub chain: Method,
    /// Optimiser, steps and moving average.
    pub training: TrainingSettings,
    /// How many samples, from which weights.
    pub sampling: SamplingSettings,
    /// What is measured.
    pub metrics: MetricSettings,
}

/// The network of a recipe that names none.
const DDPM_UNET: &str = "ddpm-unet";

fn network<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
    Method::read(deserializer, Some(DDPM_UNET))
}

/// The images.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSettings {
    /// Which set, with its own keys.
    pub set: Method,
    /// Random horizontal flips while training.
    pub flip: bool,
}

/// The key of the set's name, and the one that belongs to no set.
const SET: &str = "set";
const FLIP: &str = "flip";

impl Serialize for DataSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = self.set.to_table(SET);
        table.insert(FLIP.to_owned(), Value::Boolean(self.flip));
        table.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DataSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Table::deserialize(deserializer)?;
        let flip = match table.remove(FLIP) {
            Some(Value::Boolean(flip)) => flip,
            Some(other) => return Err(D::Error::custom(format!("`{FLIP}` is {other}, but must be true or false"))),
            None => return Err(D::Error::missing_field(FLIP)),
        };
        Ok(DataSettings { set: Method::of_table(table, SET, None).map_err(D::Error::custom)?, flip })
    }
}

/// Prediction target, objective, variance and how training inputs are made and weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// What the network's output is.
    pub prediction: Method,
    /// What training minimises.
    pub objective: Method,
    /// The variance of the reverse steps.
    pub variance: Method,
    /// How much the squared error of a level counts.
    #[serde(default = "uniform", skip_serializing_if = "is_uniform")]
    pub weighting: Method,
    /// How training inputs are made; `training.input_perturbation` is a short form for one.
    #[serde(default = "plain", skip_serializing_if = "is_plain")]
    pub corruption: Method,
    /// What the network is told beside the noised image.
    #[serde(default = "none", skip_serializing_if = "is_none")]
    pub condition: Method,
}

fn uniform() -> Method {
    Method::named("uniform")
}

fn is_uniform(method: &Method) -> bool {
    *method == uniform()
}

fn plain() -> Method {
    Method::named("plain")
}

fn is_plain(method: &Method) -> bool {
    *method == plain()
}

fn none() -> Method {
    Method::named("none")
}

fn is_none(method: &Method) -> bool {
    *method == none()
}

impl Settings {
    /// How training inputs are made, in whichever of its two forms it is written.
    ///
    /// # Errors
    /// [`MethodError::Refused`] if both are.
    pub fn corruption(&self) -> Result<Method, MethodError> {
        let gamma = self.training.input_perturbation;
        match (gamma != 0.0, is_plain(&self.model.corruption)) {
            (false, _) => Ok(self.model.corruption.clone()),
            (true, true) => Ok(Method::named("input-perturbation").with("gamma", gamma)),
            (true, false) => {
                let why = "`training.input_perturbation` is a corruption beside `model.corruption`: give one of them";
                Err(MethodError::refused(&self.model.corruption.name, why))
            }
        }
    }
}

/// Optimiser, steps and moving average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSettings {
    /// Optimiser steps.
    pub steps: u64,
    /// Images per step.
    pub batch: usize,
    /// Adam's learning rate after the warm-up.
    pub learning_rate: f64,
    /// Steps of linear warm-up; 0 for none.
    pub warm_up: u64,
    /// Largest global gradient norm.
    pub clip: f64,
    /// gamma of input perturbation (Ning et al. 2023, arXiv:2301.11706): a number, `"paper"` (0.1) or
    /// `"released-cifar10"` (0.15, the authors' checkpoint); 0 is none.
    #[serde(default, deserialize_with = "gamma")]
    pub input_perturbation: f64,
    /// lambda of the gradient penalty `|d eps / d x|^2` per image, which that paper compares with; 0 is none.
    #[serde(default)]
    pub gradient_penalty: f64,
    /// lambda of the penalty `|W|^2` on the weights, which that paper compares with; 0 is none.
    #[serde(default)]
    pub weight_penalty: f64,
    /// The moving average of the weights.
    pub ema: EmaSettings,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between recorded losses; a record is the mean of the losses since the last one.
    pub log_every: u64,
}

/// A gamma as a number or by name.
fn gamma<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number, \"paper\" or \"released-cifar10\"")]
    enum Gamma {
        Value(f64),
        Name(GammaName),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum GammaName {
        Paper,
        ReleasedCifar10,
    }
    Ok(match Gamma::deserialize(deserializer)? {
        Gamma::Value(value) => value,
        Gamma::Name(GammaName::Paper) => InputPerturbation::PAPER_GAMMA,
        Gamma::Name(GammaName::ReleasedCifar10) => InputPerturbation::RELEASED_CIFAR10_GAMMA,
    })
}

/// The moving average of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmaSettings {
    /// Decay per step, in [0, 1).
    pub decay: f64,
    /// Ramp: decay min(decay, (1 + n) / (10 + n)) at step n, for short runs.
    pub ramp: bool,
}

/// How many samples, from which weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingSettings {
    /// Samples per row and seed.
    pub count: usize,
    /// Samples drawn at a time; no sample depends on it.
    pub batch: usize,
    /// Weight sets that are sampled and scored.
    pub weights: Vec<WeightSet>,
    /// How samples are drawn; DDPM's ancestral sampler over all levels, if absent.
    #[serde(default = "SamplerSettings::ancestral")]
    pub sampler: SamplerSettings,
}

pub use undrift_studies::WeightSet;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricSettings {
    /// The feature extractor of the Frechet distance and the inception score.
    pub extractor: Method,
    /// Splits of the inception score.
    pub splits: usize,
    /// Further scores of samples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Method>,
    /// Test images whose bits per dimension are computed; 0 for none.
    pub bits_per_dim_images: usize,
}
