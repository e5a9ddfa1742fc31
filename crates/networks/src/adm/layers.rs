//! Layers with the initial values and the group normalisation of ADM's code.

use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, PaddingConfig2d};

use crate::initialiser::Initialiser;

/// Groups of every group normalisation of ADM.
pub(crate) const GROUPS: usize = 32;

/// What ADM's group normalisation adds to the variance.
const EPSILON: f64 = 1e-5;

/// ADM's layers start as PyTorch's do: weights and biases uniform in ±1/sqrt(fan_in).
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`nn.py`, `unet.py`).
impl Initialiser {
    /// A convolution of stride 1 that keeps height and width; `kernel` is odd.
    pub(crate) fn adm_conv(&mut self, channels: [usize; 2], kernel: usize) -> Conv2d {
        self.adm_conv_with(channels, kernel, 1)
    }

    /// A convolution padded by half its kernel on every side.
    pub(crate) fn adm_conv_with(&mut self, [from, to]: [usize; 2], kernel: usize, stride: usize) -> Conv2d {
        let bound = 1.0 / ((from * kernel * kernel) as f64).sqrt();
        let weight = self.uniform([to, from, kernel, kernel], bound);
        let bias = Some(self.uniform([to], bound));
        let pad = kernel / 2;
        Conv2d {
            weight,
            bias,
            stride: [stride; 2],
            kernel_size: [kernel; 2],
            dilation: [1; 2],
            groups: 1,
            padding: PaddingConfig2d::Explicit(pad, pad, pad, pad),
        }
    }

    /// A convolution that starts at exactly zero, as the last of every branch does.
    pub(crate) fn adm_zero_conv(&mut self, channels: [usize; 2], kernel: usize) -> Conv2d {
        let mut conv = self.adm_conv(channels, kernel);
        conv.weight = self.constant([channels[1], channels[0], kernel, kernel], 0.0);
        conv.bias = Some(self.constant([channels[1]], 0.0));
        conv
    }

    /// A group normalisation of 32 groups.
    pub(crate) fn adm_norm(&mut self, channels: usize) -> GroupNorm {
        GroupNorm { epsilon: EPSILON, ..self.group_norm(channels, GROUPS) }
    }
}
