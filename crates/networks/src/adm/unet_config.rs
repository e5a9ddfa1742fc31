//! The shape of an ADM U-Net.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use undrift_noise::Key;

use super::{AdmShape, AdmUnet};
use crate::NetworkError;

/// The shape of an ADM U-Net.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmUnetConfig {
    /// What it shares with the classifier.
    pub shape: AdmShape,
    /// Channels of the output: those of the input, or twice as many where the variance is learned.
    pub out_channels: usize,
    /// Number of classes, where the network is conditional on one.
    pub classes: Option<usize>,
    /// Probability in `[0, 1)` that training drops a unit in a residual block.
    pub dropout: f64,
}

impl AdmUnetConfig {
    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// What [`validate`](Self::validate) finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<AdmUnet, NetworkError> {
        self.validate()?;
        Ok(AdmUnet::new(self, device, key))
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value.
    pub fn validate(&self) -> Result<(), NetworkError> {
        self.shape.validate()?;
        if self.out_channels == 0 {
            return Err(NetworkError::TooSmall { field: "out_channels", value: 0, least: 1 });
        }
        if self.classes == Some(0) {
            return Err(NetworkError::TooSmall { field: "classes", value: 0, least: 1 });
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::Dropout { value: self.dropout });
        }
        Ok(())
    }
}
