//! The networks of guided-diffusion: the U-Net and the classifier of noised images.
//!
//! Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code; improved-diffusion (Nichol, Dhariwal 2021,
//! arXiv:2102.09672) and DDPM-IP (Ning et al. 2023, arXiv:2301.11706) use the same U-Net.

mod attention;
mod attention_pool;
mod block;
mod classifier;
mod classifier_config;
mod encoder;
mod layers;
mod resample;
mod shape;
mod time;
mod unet;
mod unet_config;

pub use classifier::AdmClassifier;
pub use classifier_config::{AdmClassifierConfig, AdmPool};
pub use shape::{AdmHeads, AdmShape, AttentionOrder};
pub use unet::AdmUnet;
pub use unet_config::AdmUnetConfig;
