//! The networks: the U-Nets of DDPM and ADM, ADM's classifier of noised images, DiT, a perceptron and a
//! small image classifier, as plain Burn modules, and their parameters by name.
//!
//! This crate decides how a network is built and initialised, and what its parameters are called. It knows no file and no schedule: a U-Net maps
//! a noisy image and a time label to its raw output, and what the label and the output mean is decided
//! by whoever trained it.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use undrift_networks::DdpmUnetConfig;
//! use undrift_noise::{Key, Purpose};
//!
//! let config = DdpmUnetConfig {
//!     image_size: 8, base: 8, widths: vec![8, 16], blocks: 1, attention: vec![4], groups: 4,
//!     ..DdpmUnetConfig::cifar10()
//! };
//! let net = config.init(&Device::flex(), Key::new(1, Purpose::Initialisation))?;
//! let x = Tensor::zeros([2, 3, 8, 8], &Device::flex());
//! let time = Tensor::from_floats([249.0], &Device::flex()); // one label for the whole batch
//! assert_eq!(net.forward(x, time).dims(), [2, 3, 8, 8]);
//! # Ok::<(), undrift_networks::NetworkError>(())
//! ```
//!
//! Whatever is a [`Backbone`] can be trained and asked without knowing which network it is, as an [`AnyNetwork`]; an
//! [`Architecture`] makes one from its numbers.

mod adm;
mod any_network;
mod architecture;
mod attention;
mod backbone;
mod bounds;
mod condition;
mod ddpm_unet;
mod ddpm_unet_config;
mod dit;
mod dropout;
mod error;
mod fashion_classifier;
mod flat_parameters;
mod fused;
mod initialiser;
mod labels;
mod mismatch;
mod mode;
mod named_parameters;
mod parameters;
mod perceptron;
mod resampling;
mod residual_block;
mod stored_ddpm_unet;
mod time_embedding;
mod trainable;

pub use adm::{AdmClassifier, AdmClassifierConfig, AdmHeads, AdmPool, AdmTrunkConfig, AdmUnet, AdmUnetConfig};
pub use any_network::AnyNetwork;
pub use architecture::Architecture;
pub use backbone::Backbone;
pub use condition::{Condition, ConditionKind};
pub use ddpm_unet::DdpmUnet;
pub use ddpm_unet_config::DdpmUnetConfig;
pub use dit::{Dit, DitConfig};
pub use error::NetworkError;
pub use fashion_classifier::FashionClassifier;
pub use mismatch::{Mismatch, Reshaped};
pub use mode::Mode;
pub use named_parameters::fill_parameters;
pub use parameters::{apply_parameters, collect_parameters, parameter_shapes};
pub use perceptron::{Perceptron, PerceptronConfig};
pub use resampling::Resampling;
pub use time_embedding::Sinusoids;
pub use trainable::{ParameterValues, Trainable};
