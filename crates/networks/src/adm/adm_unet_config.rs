//! The shape of ADM's U-Net, and published ones.

use serde::{Deserialize, Serialize};

use crate::NetworkError;
use crate::adm::{AdmHeads, AdmTrunkConfig};
use crate::bounds::{CLASSES, SIDE, within};

/// The shape of the U-Net of Improved DDPM, ADM and DDPM-IP.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`UNetModel`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmUnetConfig {
    /// The way down and the middle; the way up mirrors it.
    pub trunk: AdmTrunkConfig,
    /// Channels of the output: those of the input, or twice as many where the variance is learned.
    pub out_channels: usize,
    /// Number of classes of a conditional network.
    pub classes: Option<usize>,
    /// Heads of the attention on the way up.
    pub heads_up: AdmHeads,
}

impl AdmUnetConfig {
    /// DDPM-IP's network for CIFAR-10, with learned variances: 57,094,662 parameters.
    ///
    /// Source: Ning et al. 2023, arXiv:2301.11706, code.
    pub fn cifar10() -> Self {
        let trunk = AdmTrunkConfig {
            in_channels: 3,
            image_size: 32,
            base: 128,
            widths: vec![128, 256, 256, 256],
            blocks: 3,
            attention: vec![2, 4],
            heads: AdmHeads::Channels(32),
            new_attention_order: true,
            scale_shift: true,
            block_resample: true,
            conv_resample: true,
            dropout: 0.3,
        };
        AdmUnetConfig { heads_up: trunk.heads, trunk, out_channels: 6, classes: None }
    }

    /// ADM's network for ImageNet at 64x64, conditional, with learned variances: 295,904,454 parameters.
    pub fn imagenet64() -> Self {
        let trunk = AdmTrunkConfig {
            image_size: 64,
            base: 192,
            widths: vec![192, 384, 576, 768],
            attention: vec![2, 4, 8],
            heads: AdmHeads::Channels(64),
            dropout: 0.1,
            ..AdmUnetConfig::cifar10().trunk
        };
        AdmUnetConfig { heads_up: trunk.heads, trunk, out_channels: 6, classes: Some(1000) }
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value: what [`AdmTrunkConfig::validate`] finds, no output channels, no classes,
    /// heads on the way up that do not divide a width.
    pub fn validate(&self) -> Result<(), NetworkError> {
        self.trunk.validate()?;
        within("out_channels", self.out_channels, SIDE)?;
        within("classes", self.classes.unwrap_or(1), CLASSES)?;
        self.trunk.validate_heads(self.heads_up)
    }
}
