//! The residual block of DDPM.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, Linear};
use burn::tensor::Tensor;
use undrift_kernels::Activation;

use crate::dropout::Dropout;
use crate::fused::{convolve, convolve_onto, convolve_shifted, normalise};
use crate::initialiser::{Initialiser, ONE, ZERO};

/// DDPM's residual block: norm, SiLU, conv, plus the projected time, norm, SiLU, dropout, conv, plus the
/// input (through a 1x1 convolution where the widths differ).
///
/// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, appendix B and code (`resnet_block`).
#[derive(Module, Debug)]
pub(crate) struct ResidualBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
}

impl ResidualBlock {
    pub(crate) fn new([from, to]: [usize; 2], time_width: usize, groups: usize, init: &mut Initialiser) -> Self {
        ResidualBlock {
            norm1: init.group_norm(from, groups),
            conv1: init.conv([from, to], 3, ONE),
            time: init.linear([time_width, to]),
            norm2: init.group_norm(to, groups),
            conv2: init.conv([to, to], 3, ZERO),
            shortcut: (from != to).then(|| init.conv([from, to], 1, ONE)),
        }
    }

    /// `x` is `[B, H, W, from]`, `time` `[1 or B, time_width]`, the result `[B, H, W, to]`.
    pub(crate) fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = normalise(&self.norm1, x.clone(), Activation::Silu);
        let h = convolve_shifted(&self.conv1, h, self.time.forward(time.clone()));
        let h = dropout.apply(normalise(&self.norm2, h, Activation::Silu));
        let residual = match &self.shortcut {
            Some(shortcut) => convolve(shortcut, x),
            None => x,
        };
        convolve_onto(&self.conv2, h, residual)
    }
}
