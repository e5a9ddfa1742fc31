//! The shape of a DDPM U-Net, the published ones, and what makes no network.

use serde::Serialize;

use crate::bounds::{BLOCKS, SIDE, at_least, within};
use crate::{NetworkError, Resampling, Sinusoids};

/// The shape of a DDPM U-Net.
///
/// The fields after `dropout` are what later codes vary. What is stored without them has the paper's values, and what
/// is stored with `multipliers` has levels of so many times `base`.
///
/// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, appendix B and code.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DdpmUnetConfig {
    /// Channels of the input image.
    pub in_channels: usize,
    /// Channels of the output: those of the input, or twice as many where the variance is learned.
    pub out_channels: usize,
    /// Height and width of the image in pixels; a multiple of 2^(levels - 1).
    pub image_size: usize,
    /// Width of the first convolution in channels, and of the sinusoidal time features; at least 4.
    pub base: usize,
    /// Width of each level in channels, finest level first; each level halves the resolution.
    pub widths: Vec<usize>,
    /// Residual blocks per level on the way down, at least 1; the way up has one more.
    pub blocks: usize,
    /// Resolutions (height in pixels) with self-attention after each block.
    pub attention: Vec<usize>,
    /// Groups of every group normalisation, a divisor of `base` and of every width; the paper has 32.
    pub groups: usize,
    /// Probability in `[0, 1)` that training drops a unit in a residual block.
    pub dropout: f64,
    /// How a time label becomes sines and cosines.
    pub sinusoids: Sinusoids,
    /// What every group normalisation adds to the variance, above 0; the paper's code has 1e-6.
    pub norm_epsilon: f64,
    /// How the resolution changes between levels.
    pub resampling: Resampling,
    /// Channels of one attention head, a divisor of every width that attends; none for a single head, as in the
    /// paper.
    pub head_channels: Option<usize>,
    /// Whether the middle attends, as it does in the paper.
    pub middle_attention: bool,
}

impl DdpmUnetConfig {
    /// The paper's network for CIFAR-10: 35,746,307 parameters.
    pub fn cifar10() -> Self {
        DdpmUnetConfig {
            in_channels: 3,
            out_channels: 3,
            image_size: 32,
            base: 128,
            widths: vec![128, 256, 256, 256],
            blocks: 2,
            attention: vec![16],
            groups: 32,
            dropout: 0.1,
            sinusoids: Sinusoids::DDPM,
            norm_epsilon: 1e-6,
            resampling: Resampling::Convolution,
            head_channels: None,
            middle_attention: true,
        }
    }

    /// The paper's network for images of 256x256 (LSUN, CelebA-HQ): 113,673,219 parameters.
    pub fn lsun256() -> Self {
        DdpmUnetConfig {
            image_size: 256,
            widths: vec![128, 128, 256, 256, 512, 512],
            dropout: 0.0,
            ..DdpmUnetConfig::cifar10()
        }
    }

    /// The same with levels whose widths are these multiples of `base`, finest level first.
    pub fn with_multiples(self, base: usize, multiples: &[usize]) -> Self {
        // A width beyond this machine's integers is refused by `validate`.
        let widths = multiples.iter().map(|multiple| base.saturating_mul(*multiple)).collect();
        DdpmUnetConfig { base, widths, ..self }
    }

    /// Height of each level in pixels, finest first.
    pub fn resolutions(&self) -> Vec<usize> {
        (0..self.widths.len() as u32).map(|level| self.image_size.checked_shr(level).unwrap_or(0)).collect()
    }

    /// Widths of the levels that attend, finest first; the middle's, where it attends, last.
    pub fn attending_widths(&self) -> Vec<usize> {
        let resolutions = self.resolutions();
        let levels = resolutions.iter().zip(&self.widths).filter(|(resolution, _)| self.attention.contains(resolution));
        let middle = self.middle_attention.then(|| self.widths.last()).flatten();
        levels.map(|(_, width)| *width).chain(middle.copied()).collect()
    }

    /// Attention heads at a level of this width; 0 where a head of no channels is asked for, which is not valid.
    pub fn heads(&self, width: usize) -> usize {
        self.head_channels.map_or(Some(1), |head| width.checked_div(head)).unwrap_or(0)
    }

    /// Checks every field without building anything.
    ///
    /// # Errors
    ///
    /// The first impossible value: zero channels, pixels, blocks, groups or widths, or more of them than any machine
    /// can hold, a base below 4,
    /// an image size that cannot be halved at every level, an attention resolution without a level,
    /// groups that do not divide a width, a dropout outside `[0, 1)`, sinusoids without a frequency, an epsilon
    /// that is not above 0, heads that do not divide the width that they share.
    pub fn validate(&self) -> Result<(), NetworkError> {
        within("in_channels", self.in_channels, SIDE)?;
        within("out_channels", self.out_channels, SIDE)?;
        within("image_size", self.image_size, SIDE)?;
        at_least("base", self.base, 4)?;
        within("blocks", self.blocks, BLOCKS)?;
        at_least("groups", self.groups, 1)?;
        self.validate_levels()?;
        self.validate_attention()?;
        self.validate_groups()?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::Dropout { value: self.dropout });
        }
        self.validate_numbers()?;
        self.validate_heads()
    }

    fn validate_groups(&self) -> Result<(), NetworkError> {
        let uneven = |width: &&usize| !width.is_multiple_of(self.groups);
        match std::iter::once(&self.base).chain(&self.widths).find(uneven) {
            Some(&width) => Err(NetworkError::Groups { groups: self.groups, width }),
            None => Ok(()),
        }
    }

    fn validate_numbers(&self) -> Result<(), NetworkError> {
        let (shift, base, value) = (self.sinusoids.shift, self.base, self.norm_epsilon);
        if !(shift.is_finite() && shift < (base / 2) as f64) {
            return Err(NetworkError::Shift { shift, base });
        }
        if !(value.is_finite() && value > 0.0) {
            return Err(NetworkError::NormEpsilon { value });
        }
        Ok(())
    }

    fn validate_heads(&self) -> Result<(), NetworkError> {
        let Some(head) = self.head_channels else { return Ok(()) };
        at_least("head_channels", head, 1)?;
        match self.attending_widths().into_iter().find(|width| !width.is_multiple_of(head)) {
            Some(width) => Err(NetworkError::Heads { head_channels: head, width }),
            None => Ok(()),
        }
    }

    fn validate_levels(&self) -> Result<(), NetworkError> {
        let levels = self.widths.len();
        if levels == 0 || self.widths.contains(&0) {
            return Err(NetworkError::Widths { value: self.widths.clone() });
        }
        let multiple = u32::try_from(levels - 1).ok().and_then(|halvings| 1usize.checked_shl(halvings));
        let multiple = multiple.unwrap_or(usize::MAX);
        if !self.image_size.is_multiple_of(multiple) {
            let image_size = self.image_size;
            return Err(NetworkError::ImageSize { image_size, levels, multiple });
        }
        // The widest weight has 3 * 3 * (2 * widest) * widest entries and must be countable.
        let widest = self.widths.iter().copied().max().unwrap_or(0).max(self.base);
        let entries = widest.checked_mul(widest).and_then(|area| area.checked_mul(32));
        let (base, widths) = (self.base, self.widths.clone());
        entries.map(|_| ()).ok_or(NetworkError::TooWide { base, widths })
    }

    fn validate_attention(&self) -> Result<(), NetworkError> {
        let resolutions = self.resolutions();
        match self.attention.iter().find(|resolution| !resolutions.contains(resolution)) {
            Some(&resolution) => Err(NetworkError::AttentionResolution { resolution, resolutions }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(change: impl FnOnce(&mut DdpmUnetConfig)) -> String {
        let mut config = DdpmUnetConfig::cifar10();
        change(&mut config);
        config.validate().expect_err("must be refused").to_string()
    }

    #[test]
    fn published_configurations_are_valid() {
        DdpmUnetConfig::cifar10().validate().unwrap();
        DdpmUnetConfig::lsun256().validate().unwrap();
        assert_eq!(DdpmUnetConfig::lsun256().resolutions(), [256, 128, 64, 32, 16, 8]);
    }

    #[test]
    fn zeros_are_refused_by_name() {
        assert!(message(|c| c.in_channels = 0).contains("in_channels is 0"));
        assert!(message(|c| c.out_channels = 0).contains("out_channels is 0"));
        assert!(message(|c| c.image_size = 0).contains("image_size is 0"));
        assert!(message(|c| c.blocks = 0).contains("blocks is 0"));
        assert!(message(|c| c.groups = 0).contains("groups is 0"));
        assert!(message(|c| c.base = 3).contains("base is 3; it must be at least 4"));
        assert!(message(|c| c.widths = vec![]).contains("are []"));
        assert!(message(|c| c.widths = vec![128, 0]).contains("are [128, 0]"));
    }

    #[test]
    fn more_than_any_machine_can_hold_is_refused_by_name() {
        assert!(message(|c| c.in_channels = usize::MAX).contains("in_channels"));
        assert!(message(|c| c.out_channels = 1 << 17).contains("out_channels is 131072; it must be at most 65536"));
        assert!(message(|c| c.image_size = 1 << 40).contains("image_size"));
        assert!(message(|c| c.blocks = 1_000_000_000).contains("blocks is 1000000000; it must be at most 1000"));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused_with_a_remedy() {
        assert!(message(|c| c.image_size = 28).contains("a multiple of 8"));
        assert!(message(|c| c.widths = vec![128; 70]).contains("70 levels"));
        assert!(message(|c| c.attention = vec![16, 7]).contains("resolution 7 has no level"));
        assert!(message(|c| c.groups = 24).contains("a divisor of 128"));
        assert!(message(|c| c.widths[2] = 200).contains("groups is 32, which does not divide width 200"));
        for multiple in [usize::MAX / 8, usize::MAX / 128] {
            assert!(message(|c| *c = c.clone().with_multiples(128, &[1, multiple])).contains("overflows"));
        }
    }

    #[test]
    fn dropout_must_be_a_probability_below_one() {
        for value in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
            assert!(message(|c| c.dropout = value).contains("[0, 1)"));
        }
    }

    #[test]
    fn what_later_codes_vary_is_checked() {
        assert!(message(|c| c.sinusoids.shift = 64.0).contains("64"));
        assert!(message(|c| c.sinusoids.shift = f64::NAN).contains("NaN"));
        for value in [0.0, -1e-6, f64::NAN] {
            assert!(message(|c| c.norm_epsilon = value).contains("above 0"));
        }
        assert!(message(|c| c.head_channels = Some(0)).contains("head_channels is 0"));
        assert!(message(|c| c.head_channels = Some(96)).contains("width 256"));
        let quiet = DdpmUnetConfig { attention: vec![], middle_attention: false, ..DdpmUnetConfig::cifar10() };
        DdpmUnetConfig { head_channels: Some(96), ..quiet }.validate().unwrap();
    }

    #[test]
    fn heads_share_the_width() {
        let config = DdpmUnetConfig { head_channels: Some(8), ..DdpmUnetConfig::cifar10() };
        assert_eq!((config.heads(256), DdpmUnetConfig::cifar10().heads(256)), (32, 1));
    }
}
