//! Changes of resolution.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::upsample;

use crate::fused::convolve;
use crate::initialiser::Initialiser;

/// A change of resolution outside a residual block.
#[derive(Module, Debug)]
pub(super) struct Resample {
    conv: Option<Conv2d>,
}

impl Resample {
    /// Half the resolution by a convolution of stride 2 that pads by 1 on all sides, or by a mean.
    pub(super) fn down(width: usize, with_conv: bool, init: &mut Initialiser) -> Self {
        Resample { conv: with_conv.then(|| init.torch_conv([width, width], 3, 2)) }
    }

    /// Twice the resolution by repetition, and a convolution.
    pub(super) fn up(width: usize, with_conv: bool, init: &mut Initialiser) -> Self {
        Resample { conv: with_conv.then(|| init.torch_conv([width, width], 3, 1)) }
    }

    pub(super) fn halve(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.conv {
            Some(conv) => convolve(conv, x),
            None => halved(x),
        }
    }

    pub(super) fn double(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.conv {
            Some(conv) => convolve(conv, upsample(x)),
            None => upsample(x),
        }
    }
}

/// The means of squares of 2x2 pixels: `[B, H, W, C]` to `[B, H / 2, W / 2, C]`.
pub(super) fn halved(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let squares = x.reshape([batch, height / 2, 2, width / 2, 2, channels]);
    squares.mean_dim(4).mean_dim(2).reshape([batch, height / 2, width / 2, channels])
}
