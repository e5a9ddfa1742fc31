//! The shape of ADM's classifier.

use serde::{Deserialize, Serialize};

use crate::NetworkError;
use crate::adm::{AdmHeads, AdmTrunkConfig};
use crate::bounds::{CLASSES, within};

/// How ADM's classifier makes one vector of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdmPool {
    /// The mean of all pixels attends to all pixels, in heads of so many channels.
    Attention {
        /// Channels of a head.
        head_channels: usize,
    },
    /// The mean of all pixels.
    Adaptive,
}

/// The shape of ADM's classifier of noisy images.
///
/// Of the published poolings, `spatial` and `spatial_v2` are not here; no released classifier has them.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`EncoderUNetModel`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmClassifierConfig {
    /// The way down and the middle.
    pub trunk: AdmTrunkConfig,
    /// Number of classes.
    pub classes: usize,
    /// How the pixels become one vector.
    pub pool: AdmPool,
}

impl AdmClassifierConfig {
    /// ADM's classifier for ImageNet at 64x64: 65,438,568 parameters.
    pub fn imagenet64() -> Self {
        let trunk = AdmTrunkConfig {
            in_channels: 3,
            image_size: 64,
            base: 128,
            widths: vec![128, 256, 384, 512],
            blocks: 4,
            attention: vec![2, 4, 8],
            heads: AdmHeads::Channels(64),
            new_attention_order: false,
            scale_shift: true,
            block_resample: true,
            conv_resample: true,
            dropout: 0.0,
        };
        AdmClassifierConfig { trunk, classes: 1000, pool: AdmPool::Attention { head_channels: 64 } }
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value: what [`AdmTrunkConfig::validate`] finds, no classes, heads of the pooling
    /// that do not divide the deepest width.
    pub fn validate(&self) -> Result<(), NetworkError> {
        self.trunk.validate()?;
        within("classes", self.classes, CLASSES)?;
        match self.pool {
            AdmPool::Attention { head_channels } => AdmHeads::Channels(head_channels).validate(self.trunk.deepest()),
            AdmPool::Adaptive => Ok(()),
        }
    }
}
