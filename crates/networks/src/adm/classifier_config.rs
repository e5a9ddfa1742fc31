//! The shape of a classifier of noised images.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use undrift_noise::Key;

use super::{AdmClassifier, AdmShape};
use crate::NetworkError;

/// The shape of a classifier of noised images.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, section 4 and code (`EncoderUNetModel`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmClassifierConfig {
    /// What it shares with the U-Net.
    pub shape: AdmShape,
    /// Number of classes.
    pub classes: usize,
    /// How the last features become logits.
    pub pool: AdmPool,
}

/// How the last features become logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdmPool {
    /// Their mean, then a dense layer.
    Adaptive,
    /// Attention of their mean to all of them.
    Attention,
}

impl AdmClassifierConfig {
    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// What [`validate`](Self::validate) finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<AdmClassifier, NetworkError> {
        self.validate()?;
        Ok(AdmClassifier::new(self, device, key))
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value.
    pub fn validate(&self) -> Result<(), NetworkError> {
        self.shape.validate()?;
        if self.classes == 0 {
            return Err(NetworkError::TooSmall { field: "classes", value: 0, least: 1 });
        }
        Ok(())
    }
}
