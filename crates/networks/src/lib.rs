//! The networks: the U-Nets of DDPM and ADM, ADM's classifier of noised images, DiT and a small image classifier, as
//! plain Burn modules, and their parameters by name.
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

mod adm;
mod attention;
mod bounds;
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
mod parameters;
mod resampling;
mod residual_block;
mod stored_ddpm_unet;
mod time_embedding;

pub use adm::{AdmClassifier, AdmClassifierConfig, AdmHeads, AdmPool, AdmTrunkConfig, AdmUnet, AdmUnetConfig};
pub use ddpm_unet::DdpmUnet;
pub use ddpm_unet_config::DdpmUnetConfig;
pub use dit::{Dit, DitConfig};
pub use error::{Mismatch, NetworkError, Reshaped};
pub use fashion_classifier::FashionClassifier;
pub use flat_parameters::{parameter_gradients, parameter_values, replace_parameters};
pub use parameters::{apply_parameters, collect_parameters, fill_parameters, parameter_shapes};
pub use resampling::Resampling;
pub use time_embedding::Sinusoids;
