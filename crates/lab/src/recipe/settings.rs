//! The settings of one experiment, as serde types.

use crate::methods::SamplerSettings;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::PathBuf;
use undrift_losses::InputPerturbation;
pub use undrift_studies::WeightSet;

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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// What the network's output is.
    pub prediction: PredictionName,
    /// What training minimises.
    pub objective: ObjectiveName,
    /// The variance of the reverse steps.
    pub variance: VarianceName,
    /// How much the squared error of a level counts.
    #[serde(default)]
    pub weighting: WeightingSettings,
}

/// Names of the weightings of squared errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum WeightingSettings {
    /// 1 on the error of the network's output.
    #[default]
    Uniform,
    /// `1 / (k + SNR)^gamma` on the error of eps (Choi et al. 2022, arXiv:2204.00227).
    P2 {
        /// Added to the signal-to-noise ratio.
        k: f64,
        /// Exponent.
        gamma: f64,
    },
    /// `min(SNR, gamma)` on the error of x0 (Hang et al. 2023, arXiv:2303.09556).
    MinSnr {
        /// Where the weight stops growing.
        gamma: f64,
    },
    /// EDM's (Karras et al. 2022, arXiv:2206.00364).
    Edm {
        /// Standard deviation of the data.
        sigma_data: f64,
    },
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
    /// L_simple and 0.001 of the bound, which teaches the variance alone (Nichol and Dhariwal 2021, arXiv:2102.09672).
    Hybrid,
    /// The bound at levels drawn in proportion to their last losses (the same paper's L_vlb).
    ImportanceBound,
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
    /// A straight line between two betas.
    LinearBetween {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
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
    /// Any betas, t = 1 first.
    Betas {
        /// One for each step, in (0, 1); the last may be 1.
        betas: Vec<f64>,
    },
    /// Another chain, rescaled to end in pure noise (Lin et al. 2023, arXiv:2305.08891): x0, v and mu_tilde models only.
    ZeroTerminalSnr {
        /// The other chain.
        of: Box<ChainSettings>,
    },
}

impl ChainSettings {
    /// T, the number of levels.
    pub fn length(&self) -> usize {
        match self {
            Self::Betas { betas } => betas.len(),
            Self::ZeroTerminalSnr { of } => of.length(),
            Self::Linear { length }
            | Self::LinearScaled { length }
            | Self::Cosine { length }
            | Self::Jsd { length }
            | Self::Constant { length, .. }
            | Self::LinearBetween { length, .. }
            | Self::Quadratic { length, .. }
            | Self::ScaledLinear { length, .. }
            | Self::Sigmoid { length, .. }
            | Self::WarmUp { length, .. } => *length,
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
