//! The shape that ADM's U-Net and classifier have in common, and what makes no network.

use serde::{Deserialize, Serialize};

use crate::NetworkError;
use crate::adm::layers::GROUPS;
use crate::bounds::{BLOCKS, SIDE, at_least, within};

/// How many heads an attention layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdmHeads {
    /// This many in every layer.
    Number(usize),
    /// As many as there are groups of so many channels.
    Channels(usize),
}

impl AdmHeads {
    /// The heads of a layer of `width` channels.
    pub(crate) fn count(self, width: usize) -> usize {
        match self {
            AdmHeads::Number(heads) => heads,
            AdmHeads::Channels(channels) => width / channels,
        }
    }

    pub(crate) fn validate(self, width: usize) -> Result<(), NetworkError> {
        let (AdmHeads::Number(divisor) | AdmHeads::Channels(divisor)) = self;
        if divisor == 0 || !width.is_multiple_of(divisor) {
            return Err(NetworkError::UnevenHeads { heads: format!("{self:?}"), width });
        }
        Ok(())
    }
}

/// The shape of the way down and the middle of ADM's networks.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`unet.py`); Nichol, Dhariwal 2021,
/// arXiv:2102.09672.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmTrunkConfig {
    /// Channels of the input image.
    pub in_channels: usize,
    /// Height and width of the image in pixels; a multiple of 2^(levels - 1).
    pub image_size: usize,
    /// Width of the sinusoidal time features, at least 4; the embedding has four times as many.
    pub base: usize,
    /// Width of each level in channels, finest level first, multiples of 32; each level halves the resolution.
    pub widths: Vec<usize>,
    /// Residual blocks per level on the way down, at least 1; the way up has one more.
    pub blocks: usize,
    /// Downsampling rates (1, 2, 4 ...) with self-attention after each block; the middle always has one.
    pub attention: Vec<usize>,
    /// Heads of every attention.
    pub heads: AdmHeads,
    /// Whether all queries stand before all keys and values in a checkpoint (else each head has its own three
    /// together).
    pub new_attention_order: bool,
    /// Whether the embedding scales and shifts the second norm of a block (else it is added before it).
    pub scale_shift: bool,
    /// Whether residual blocks change the resolution (`resblock_updown`).
    pub block_resample: bool,
    /// Whether convolutions change the resolution where residual blocks do not (else pooling and repetition).
    pub conv_resample: bool,
    /// Probability in `[0, 1)` that training drops a unit in a residual block.
    pub dropout: f64,
}

impl AdmTrunkConfig {
    /// Downsampling rate of each level, finest first.
    pub fn rates(&self) -> Vec<usize> {
        (0..self.widths.len() as u32).map(|level| 1usize.checked_shl(level).unwrap_or(usize::MAX)).collect()
    }

    /// Whether the blocks of a level have attention after them.
    ///
    /// # Panics
    ///
    /// If there is no such level.
    pub fn attends(&self, level: usize) -> bool {
        self.attention.contains(&self.rates()[level])
    }

    /// Width of the deepest level and of the middle.
    pub(crate) fn deepest(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// Height of the deepest level in pixels.
    pub(crate) fn smallest(&self) -> usize {
        self.image_size >> (self.widths.len() - 1)
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value: zero channels, pixels or blocks, a base below 4, widths that are no multiples
    /// of 32, an image size that cannot be halved at every level, an attention rate without a level, heads
    /// that do not divide a width, a dropout outside `[0, 1)`.
    pub fn validate(&self) -> Result<(), NetworkError> {
        within("in_channels", self.in_channels, SIDE)?;
        within("image_size", self.image_size, SIDE)?;
        at_least("base", self.base, 4)?;
        within("blocks", self.blocks, BLOCKS)?;
        self.validate_levels()?;
        self.validate_attention()?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::Dropout { value: self.dropout });
        }
        Ok(())
    }

    fn validate_levels(&self) -> Result<(), NetworkError> {
        at_least("levels (widths)", self.widths.len(), 1)?;
        for &width in &self.widths {
            at_least("width of a level", width, GROUPS)?;
            if !width.is_multiple_of(GROUPS) {
                return Err(NetworkError::Groups { groups: GROUPS, width });
            }
        }
        let (levels, rates) = (self.widths.len(), self.rates());
        let multiple = rates[levels - 1];
        if !self.image_size.is_multiple_of(multiple) {
            return Err(NetworkError::ImageSize { image_size: self.image_size, levels, multiple });
        }
        // The widest weight has 3 * 3 * (2 * widest) * widest entries and must be countable.
        let widest = self.widths.iter().copied().max().unwrap_or(0).max(self.base);
        let entries = widest.checked_mul(widest).and_then(|area| area.checked_mul(32));
        let (base, widths) = (self.base, self.widths.clone());
        entries.map(|_| ()).ok_or(NetworkError::TooWide { base, widths })
    }

    fn validate_attention(&self) -> Result<(), NetworkError> {
        let rates = self.rates();
        if let Some(&rate) = self.attention.iter().find(|rate| !rates.contains(rate)) {
            return Err(NetworkError::AttentionRate { rate, rates });
        }
        self.validate_heads(self.heads)
    }

    /// Checks that the heads divide the middle's width and that of every level with attention.
    pub(crate) fn validate_heads(&self, heads: AdmHeads) -> Result<(), NetworkError> {
        heads.validate(self.deepest())?;
        let mut attending = (0..self.widths.len()).filter(|level| self.attends(*level));
        attending.try_for_each(|level| heads.validate(self.widths[level]))
    }

    /// Channels, height and width of the input.
    pub(crate) fn input(&self) -> [usize; 3] {
        [self.in_channels, self.image_size, self.image_size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AdmUnetConfig;

    fn message(change: impl FnOnce(&mut AdmTrunkConfig)) -> String {
        let mut config = AdmUnetConfig::cifar10().trunk;
        change(&mut config);
        config.validate().expect_err("must be refused").to_string()
    }

    #[test]
    fn what_makes_no_network_is_refused_by_name() {
        AdmUnetConfig::cifar10().trunk.validate().unwrap();
        assert!(message(|c| c.in_channels = 0).contains("in_channels is 0"));
        assert!(message(|c| c.blocks = 0).contains("blocks is 0"));
        assert!(message(|c| c.base = 3).contains("base is 3"));
        assert!(message(|c| c.blocks = 1_000_000_000).contains("at most 1000"));
        assert!(message(|c| c.image_size = 1 << 40).contains("image_size"));
        assert!(message(|c| c.in_channels = usize::MAX).contains("in_channels"));
        assert!(message(|c| c.widths = vec![]).contains("widths"));
        assert!(message(|c| c.widths[1] = 48).contains("does not divide width 48"));
        assert!(message(|c| c.widths[1] = usize::MAX - 31).contains("overflows"));
        assert!(message(|c| c.widths = vec![32; 70]).contains("70 levels"));
        assert!(message(|c| c.image_size = 28).contains("a multiple of 8"));
        assert!(message(|c| c.attention = vec![16]).contains("rate 16 has no level"));
        assert!(message(|c| c.heads = AdmHeads::Channels(0)).contains("Channels(0)"));
        assert!(message(|c| c.heads = AdmHeads::Number(3)).contains("Number(3)"));
        assert!(message(|c| c.dropout = 1.0).contains("[0, 1)"));
    }
}
