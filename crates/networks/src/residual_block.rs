//! The residual block of DDPM.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, Linear};
use burn::tensor::Tensor;
use burn::tensor::activation::silu;

use crate::dropout::Dropout;
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

    /// `x` is `[B, from, H, W]`, `time` `[1 or B, time_width]`, the result `[B, to, H, W]`.
    pub(crate) fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = self.conv1.forward(silu(self.norm1.forward(x.clone())));
        let time = self.time.forward(time.clone());
        let [rows, width] = time.dims();
        let h = h.add(time.reshape([rows, width, 1, 1]));
        let h = dropout.apply(silu(self.norm2.forward(h)));
        let h = self.conv2.forward(h);
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x).add(h),
            None => x.add(h),
        }
    }
}
