//! The networks of Improved DDPM and ADM: the U-Net, and the classifier that is its way down.

mod adm_classifier;
mod adm_classifier_config;
mod adm_trunk;
mod adm_trunk_config;
mod adm_unet;
mod adm_unet_config;
mod attention_block;
mod attention_pool;
mod embedding;
mod layers;
mod resample;
mod residual_block;
mod resolution;

pub use adm_classifier::AdmClassifier;
pub use adm_classifier_config::{AdmClassifierConfig, AdmPool};
pub use adm_trunk_config::{AdmHeads, AdmTrunkConfig};
pub use adm_unet::AdmUnet;
pub use adm_unet_config::AdmUnetConfig;
