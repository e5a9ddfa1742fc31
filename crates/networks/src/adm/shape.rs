//! What the U-Net and the classifier share of their shape.

use serde::{Deserialize, Serialize};

use crate::NetworkError;

/// What the U-Net and the classifier of guided-diffusion share of their shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmShape {
    /// Height and width of the image in pixels.
    pub image_size: usize,
    /// Channels of the input image.
    pub in_channels: usize,
    /// Width of the network's base in channels, and of the sinusoidal time features; a multiple of 32.
    pub base: usize,
    /// Width of each level as a multiple of `base`, finest level first; halves are allowed at 512 pixels.
    pub multipliers: Vec<f64>,
    /// Residual blocks per level.
    pub blocks: usize,
    /// Levels with attention after each block, by their rate of downsampling (1, 2, 4, ..).
    pub attention_rates: Vec<usize>,
    /// How many heads an attention has.
    pub heads: AdmHeads,
    /// In which order the channels of queries, keys and values are stored.
    pub order: AttentionOrder,
    /// Whether the time scales and shifts the second normalisation (else it is added before it).
    pub scale_shift: bool,
    /// Whether residual blocks change the resolution (else a convolution or a mean does).
    pub residual_resampling: bool,
    /// Whether a change of resolution outside a residual block has a convolution.
    pub conv_resampling: bool,
}

/// How many heads an attention has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdmHeads {
    /// So many, whatever the width.
    Count(usize),
    /// As many as give each so many channels.
    Width(usize),
}

/// In which order the channels of queries, keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionOrder {
    /// Head after head, each with its queries, keys and values.
    Legacy,
    /// All queries, all keys, all values, each head after head.
    New,
}

impl AdmHeads {
    /// The number of heads at a width.
    pub(super) fn at(self, width: usize) -> usize {
        match self {
            AdmHeads::Count(heads) => heads,
            AdmHeads::Width(channels) => width / channels,
        }
    }

    fn fits(self, width: usize) -> bool {
        match self {
            AdmHeads::Count(part) | AdmHeads::Width(part) => part > 0 && width.is_multiple_of(part),
        }
    }
}

impl AdmShape {
    /// Width of each level in channels, finest first.
    pub fn widths(&self) -> Vec<usize> {
        self.multipliers.iter().map(|multiplier| (multiplier * self.base as f64) as usize).collect()
    }

    /// Width of the embedded time.
    pub fn time_width(&self) -> usize {
        4 * self.base
    }

    /// Whether the level of this rate has attention.
    pub fn attends(&self, rate: usize) -> bool {
        self.attention_rates.contains(&rate)
    }

    /// # Panics
    ///
    /// If an image, the times or the labels do not fit.
    pub(super) fn check(&self, image: [usize; 4], [times]: [usize; 1], labels: Option<&[usize]>) {
        let ([batch, found @ ..], size) = (image, self.image_size);
        assert!(
            found == [self.in_channels, size, size],
            "this network takes images of [{}, {size}, {size}], not of {found:?}",
            self.in_channels,
        );
        assert!(times == 1 || times == batch, "a batch of {batch} images takes 1 or {batch} times, not {times}");
        let given = labels.map_or(batch, <[usize]>::len);
        assert!(given == batch, "a batch of {batch} images takes {batch} labels, not {given}");
    }

    /// Checks every field without building anything.
    pub(super) fn validate(&self) -> Result<(), NetworkError> {
        for (field, value) in [
            ("image_size", self.image_size),
            ("in_channels", self.in_channels),
            ("base", self.base),
            ("blocks", self.blocks),
        ] {
            if value == 0 {
                return Err(NetworkError::TooSmall { field, value, least: 1 });
            }
        }
        self.validate_levels()?;
        self.validate_widths()
    }

    fn validate_levels(&self) -> Result<(), NetworkError> {
        let levels = self.multipliers.len();
        if levels == 0 || !self.multipliers.iter().all(|m| m.is_finite() && *m > 0.0) {
            return Err(NetworkError::FractionalMultipliers { value: self.multipliers.clone() });
        }
        let multiple = u32::try_from(levels - 1).ok().and_then(|halvings| 1usize.checked_shl(halvings));
        let multiple = multiple.unwrap_or(usize::MAX);
        if !self.image_size.is_multiple_of(multiple) {
            return Err(NetworkError::ImageSize { image_size: self.image_size, levels, multiple });
        }
        let rates: Vec<usize> = (0..levels).map(|level| 1 << level).collect();
        match self.attention_rates.iter().find(|rate| !rates.contains(rate)) {
            Some(&rate) => Err(NetworkError::AttentionRate { rate, rates }),
            None => Ok(()),
        }
    }

    fn validate_widths(&self) -> Result<(), NetworkError> {
        let (widths, groups) = (self.widths(), 32);
        if let Some(&base) = widths.iter().find(|width| **width == 0 || !width.is_multiple_of(groups)) {
            return Err(NetworkError::Groups { groups, base });
        }
        let widest = widths.iter().copied().max().unwrap_or(0);
        if widest.checked_mul(widest).and_then(|area| area.checked_mul(32)).is_none() {
            let multipliers = widths.iter().map(|w| w / self.base).collect();
            return Err(NetworkError::TooWide { base: self.base, multipliers });
        }
        let attending = widths.iter().enumerate().filter(|(level, _)| self.attends(1 << level)).map(|(_, width)| width);
        match attending.chain(widths.last()).find(|width| !self.heads.fits(**width)) {
            Some(&width) => Err(NetworkError::UnevenHeads { heads: format!("{:?}", self.heads), width }),
            None => Ok(()),
        }
    }
}
