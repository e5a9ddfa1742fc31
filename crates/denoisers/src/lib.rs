//! Decides what a model believes: a [`Denoiser`] looks at `x` at a level and returns a [`Prediction`], one belief
//! with many views (x0, eps, v, the mean of a step). A [`Parameterisation`] says what a raw network's output means,
//! a wrapper such as [`ClipX0`] changes a belief, and the exact denoisers of known data ([`Gaussian`],
//! [`GaussianMixture`], [`Empirical`]) test everything that comes after without a network.
//! A [`Question`] carries the belief before it, for models that are conditioned on it ([`SelfConditioned`]); what
//! wrappers and exact denoisers are made of ([`affine`], [`samples`], [`column`](fn@column), [`spread`](fn@spread)) is public, so
//! that one elsewhere is written as these are.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use undrift_denoisers::{Denoiser, Eps, OutputVariance, Preconditioned, Question};
//! use undrift_schedules::Chain;
//!
//! let chain = Chain::linear(1000)?;
//! let network = |x: Tensor<2>, _time: Tensor<1>| x.zeros_like();
//! let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
//! let x = Tensor::<2>::ones([4, 3], &Device::flex());
//! let belief = model.predict(x, &Question::from(chain.last()))?;
//! assert_eq!(belief.x0().dims(), [4, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod affine;
mod classifier_free;
mod classifier_guidance;
mod clip_x0;
mod clip_x0_within;
mod denoiser;
mod dynamic_threshold;
mod edm;
mod empirical;
mod eps;
mod epsilon_scaling;
mod error;
mod flow;
mod foreign;
mod gaussian;
mod learned_variance;
mod levels;
mod mixture;
mod mu_tilde;
mod network;
mod parameterisation;
mod preconditioned;
mod prediction;
mod question;
pub mod samples;
mod self_conditioned;
mod separate_first;
mod spread;
#[cfg(test)]
mod testing;
mod time_shift;
mod v;
mod variance;
mod x0;

pub use classifier_free::ClassifierFree;
pub use classifier_guidance::{ClassifierGuidance, Guide};
pub use clip_x0::ClipX0;
pub use clip_x0_within::ClipX0Within;
pub use denoiser::Denoiser;
pub use dynamic_threshold::DynamicThreshold;
pub use edm::Edm;
pub use empirical::Empirical;
pub use eps::Eps;
pub use epsilon_scaling::EpsilonScaling;
pub use error::DenoiseError;
pub use flow::Flow;
pub use foreign::ForeignError;
pub use gaussian::Gaussian;
pub use learned_variance::LearnedVariance;
pub use levels::{Levels, column};
pub use mixture::{Component, GaussianMixture};
pub use mu_tilde::MuTilde;
pub use network::Network;
pub use parameterisation::Parameterisation;
pub use preconditioned::{OutputVariance, Preconditioned};
pub use prediction::Prediction;
pub use question::Question;
pub use self_conditioned::SelfConditioned;
pub use separate_first::SeparateFirst;
pub use spread::{nearest, spread};
pub use time_shift::TimeShift;
pub use v::V;
pub use variance::Variance;
pub use x0::X0;
