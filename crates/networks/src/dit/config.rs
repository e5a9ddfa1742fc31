//! The shape of a diffusion transformer, and the published ones.

use burn::tensor::TensorData;
use serde::{Deserialize, Serialize};

use super::positions::position_table;
use crate::NetworkError;
use crate::bounds::{BLOCKS, CLASSES, SIDE, within};

/// The shape of a diffusion transformer.
///
/// Source: Peebles, Xie 2022, arXiv:2212.09748, table 1 and code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DitConfig {
    /// Height and width of its input, a latent image; a multiple of `patch`.
    pub input_size: usize,
    /// Height and width of a patch, which is one token.
    pub patch: usize,
    /// Channels of its input.
    pub in_channels: usize,
    /// Width of a token; a multiple of 4 and of `heads`.
    pub width: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Heads of each attention.
    pub heads: usize,
    /// Width of the hidden layer of each block's perceptron as a multiple of `width`.
    pub mlp_ratio: f64,
    /// Number of classes.
    pub classes: usize,
    /// Probability in `[0, 1]` that training takes the label that stands for no class; 0 has no such label.
    pub label_dropout: f64,
    /// Whether the output has a second half of channels, for the variance.
    pub learn_sigma: bool,
}

impl DitConfig {
    /// DiT-S: 12 blocks of width 384 with 6 heads; `patch` 2, 4 or 8, latent images of 32x32.
    pub fn small(patch: usize) -> Self {
        DitConfig::published(patch, 384, 12, 6)
    }

    /// DiT-B: 12 blocks of width 768 with 12 heads.
    pub fn base(patch: usize) -> Self {
        DitConfig::published(patch, 768, 12, 12)
    }

    /// DiT-L: 24 blocks of width 1024 with 16 heads.
    pub fn large(patch: usize) -> Self {
        DitConfig::published(patch, 1024, 24, 16)
    }

    /// DiT-XL: 28 blocks of width 1152 with 16 heads.
    pub fn extra_large(patch: usize) -> Self {
        DitConfig::published(patch, 1152, 28, 16)
    }

    fn published(patch: usize, width: usize, depth: usize, heads: usize) -> Self {
        DitConfig {
            input_size: 32,
            patch,
            in_channels: 4,
            width,
            depth,
            heads,
            mlp_ratio: 4.0,
            classes: 1000,
            label_dropout: 0.1,
            learn_sigma: true,
        }
    }

    /// Channels of the output: those of the input, twice with a learned variance.
    pub fn out_channels(&self) -> usize {
        if self.learn_sigma { 2 * self.in_channels } else { self.in_channels }
    }

    /// Width of the hidden layer of each block's perceptron.
    pub fn hidden(&self) -> usize {
        (self.width as f64 * self.mlp_ratio) as usize
    }

    /// Patches along one side.
    pub fn grid(&self) -> usize {
        self.input_size / self.patch
    }

    /// The label that stands for no class, which is the one after the last; where labels are dropped.
    pub fn null_label(&self) -> Option<usize> {
        (self.label_dropout > 0.0).then_some(self.classes)
    }

    /// Rows of the table of labels: the classes, and the null label where there is one.
    pub fn labels(&self) -> usize {
        self.classes + usize::from(self.null_label().is_some())
    }

    /// The fixed table of positions, as the published weights hold it.
    ///
    /// # Shapes
    ///
    /// `[1, grid * grid, width]`, f64.
    pub fn position_table(&self) -> TensorData {
        position_table(self.width, self.grid())
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value.
    pub fn validate(&self) -> Result<(), NetworkError> {
        for (field, value, most) in [
            ("input_size", self.input_size, SIDE),
            ("patch", self.patch, SIDE),
            ("in_channels", self.in_channels, SIDE),
            ("width", self.width, SIDE),
            ("depth", self.depth, BLOCKS),
            ("heads", self.heads, SIDE),
            ("classes", self.classes, CLASSES),
        ] {
            within(field, value, most)?;
        }
        if !self.input_size.is_multiple_of(self.patch) {
            return Err(NetworkError::Patches { input_size: self.input_size, patch: self.patch });
        }
        if !self.width.is_multiple_of(4) {
            return Err(NetworkError::Width { width: self.width });
        }
        if !self.width.is_multiple_of(self.heads) {
            return Err(NetworkError::UnevenHeads { heads: self.heads.to_string(), width: self.width });
        }
        let too_wide = self.width.checked_mul(self.width).and_then(|n| n.checked_mul(64)).is_none();
        if too_wide || !(1e-3..=1e3).contains(&self.mlp_ratio) || self.hidden() == 0 {
            return Err(NetworkError::MlpRatio { value: self.mlp_ratio, width: self.width });
        }
        if !(0.0..=1.0).contains(&self.label_dropout) {
            return Err(NetworkError::LabelDropout { value: self.label_dropout });
        }
        Ok(())
    }
}
