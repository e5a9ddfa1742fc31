//! The settings of one experiment, as serde types.

use crate::methods::SamplerSettings;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Every setting of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Images to train on and to compare with.
    pub data: DataSettings,
    /// What the network predicts and what training minimises.
    pub model: ModelSettings,
    /// The U-Net.
    pub network: NetworkSettings,
    /// The forward process.
    pub chain: ChainSettings,
    /// Optimiser, steps and moving average.
    pub training: TrainingSettings,
    /// How many samples, from which weights.
    pub sampling: SamplingSettings,
    /// What is measured.
    pub metrics: MetricSettings,
}

/// The images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// Which set.
    pub set: DataSet,
    /// Folder of the files, for sets that are not embedded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Reduce 28x28 to 16x16 (zero-pad to 32, 2x2 mean, rounded).
    pub reduced: bool,
    /// Random horizontal flips while training.
    pub flip: bool,
}

/// Names of the data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSet {
    /// 10,000 training and 1,000 test images of Fashion-MNIST, embedded in the program.
    FashionMnistSample,
    /// The four IDX files of Fashion-MNIST (or of MNIST), plain or gzip.
    FashionMnistIdx,
    /// The binary version of CIFAR-10.
    Cifar10,
}

/// Prediction target, objective and variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// What the network's output is.
    pub prediction: PredictionName,
    /// What training minimises.
    pub objective: ObjectiveName,
    /// The variance of the reverse steps.
    pub variance: VarianceName,
}

/// Names of the parameterisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PredictionName {
    /// The noise.
    Eps,
    /// The clean image.
    X0,
    /// `signal * eps - noise * x0` (Salimans and Ho 2022, arXiv:2202.00512).
    V,
    /// The mean of the posterior q(x_{t-1} | x_t, x_0).
    MuTilde,
}

/// Names of the objectives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveName {
    /// Mean squared error in the network's own output space; L_simple for `eps`.
    Simple,
    /// The variational bound L, one random term per image, in bits per dimension.
    Bound,
}

/// Names of the variances of reverse steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VarianceName {
    /// beta_tilde.
    FixedSmall,
    /// beta.
    FixedLarge,
    /// A log-variance per pixel and channel, predicted by the network.
    Learned,
    /// Predicted between beta_tilde and beta (Nichol and Dhariwal 2021, arXiv:2102.09672).
    LearnedRange,
}

/// The DDPM U-Net's size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    /// Channels at full resolution.
    pub base: usize,
    /// Channel multiplier of each level, finest first.
    pub multipliers: Vec<usize>,
    /// Residual blocks per level.
    pub blocks: usize,
    /// Resolutions that get self-attention.
    pub attention: Vec<usize>,
    /// Groups of each GroupNorm.
    pub groups: usize,
    /// Dropout probability inside residual blocks, in [0, 1).
    pub dropout: f64,
}

/// The forward process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChainSettings {
    /// 1e-4 to 0.02 in `length` equal steps (Ho et al. 2020).
    Linear {
        /// T.
        length: usize,
    },
    /// The linear chain with both ends multiplied by 1000/T.
    LinearScaled {
        /// T.
        length: usize,
    },
    /// Nichol and Dhariwal 2021, equation 17.
    Cosine {
        /// T.
        length: usize,
    },
    /// Squares of equally spaced square roots of beta.
    Quadratic {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
    },
    /// The same under Stable Diffusion's name.
    ScaledLinear {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
    },
    /// A logistic curve between two betas.
    Sigmoid {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
    },
    /// One beta.
    Constant {
        /// T.
        length: usize,
        /// The beta of every step.
        beta: f64,
    },
    /// 1/T, 1/(T-1), .., 1: the last level is pure noise, so x0, v and mu_tilde models only.
    Jsd {
        /// T.
        length: usize,
    },
    /// A linear rise over the first fraction of the steps, then `end`.
    WarmUp {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
        /// Share of the steps that rise, in (0, 1]: 0.1 or 0.5 in DDPM's code.
        fraction: f64,
    },
}

impl ChainSettings {
    /// T, the number of levels.
    pub fn length(&self) -> usize {
        match *self {
            Self::Linear { length }
            | Self::LinearScaled { length }
            | Self::Cosine { length }
            | Self::Jsd { length }
            | Self::Constant { length, .. }
            | Self::Quadratic { length, .. }
            | Self::ScaledLinear { length, .. }
            | Self::Sigmoid { length, .. }
            | Self::WarmUp { length, .. } => length,
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
    /// gamma of input perturbation (Ning et al. 2023, arXiv:2301.11706; 0.1 in the paper, 0.15 in the released CIFAR-10
    /// checkpoint); 0 is none.
    #[serde(default)]
    pub input_perturbation: f64,
    /// The moving average of the weights.
    pub ema: EmaSettings,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between recorded losses; a record is the mean of the losses since the last one.
    pub log_every: u64,
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

/// A set of weights that training keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightSet {
    /// The moving average.
    Ema,
    /// The last step's weights.
    Raw,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricSettings {
    /// The feature extractor of the Frechet distance and the inception score.
    pub extractor: Extractor,
    /// Splits of the inception score.
    pub splits: usize,
    /// Test images whose bits per dimension are computed; 0 for none.
    pub bits_per_dim_images: usize,
}

/// Names of the feature extractors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extractor {
    /// The embedded classifier of 16x16 Fashion-MNIST.
    FashionMnist,
    /// No scores; samples and bits per dimension only.
    None,
}
