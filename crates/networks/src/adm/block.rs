//! The residual block of guided-diffusion.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, Linear};
use burn::tensor::Tensor;
use undrift_kernels::{Activation, upsample};

use super::AdmShape;
use super::resample::halved;
use crate::dropout::Dropout;
use crate::fused::{convolve, convolve_onto, convolve_shifted, normalise, normalise_shifted};
use crate::initialiser::Initialiser;

/// Norm, SiLU, (change of resolution,) conv, the projected time, norm, SiLU, dropout, conv, plus the input
/// (changed likewise, and through a 1x1 convolution where the widths differ).
///
/// The time is added before the second norm, or scales and shifts after it.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, section 3 and code (`ResBlock`).
#[derive(Module, Debug)]
pub(super) struct AdmBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
    #[module(skip)]
    scale_shift: bool,
    #[module(skip)]
    change: Change,
}

/// What a block does to the resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Halve,
    Double,
}

impl Change {
    fn of(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Change::None => x,
            Change::Halve => halved(x),
            Change::Double => upsample(x),
        }
    }
}

impl AdmBlock {
    pub(super) fn new([from, to]: [usize; 2], change: Change, shape: &AdmShape, init: &mut Initialiser) -> Self {
        let projected = if shape.scale_shift { 2 * to } else { to };
        AdmBlock {
            norm1: init.group_norm_32(from),
            conv1: init.torch_conv([from, to], 3, 1),
            time: init.torch_linear([shape.time_width(), projected]),
            norm2: init.group_norm_32(to),
            conv2: init.zero_conv([to, to], 3),
            shortcut: (from != to).then(|| init.torch_conv([from, to], 1, 1)),
            scale_shift: shape.scale_shift,
            change,
        }
    }

    /// `x` is `[B, H, W, from]`, `time` `[1 or B, time_width]`, the result `[B, H', W', to]`.
    pub(super) fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = self.change.of(normalise(&self.norm1, x.clone(), Activation::Silu));
        let x = self.change.of(x);
        let time = self.time.forward(time.clone());
        let h = if self.scale_shift {
            let parts = time.chunk(2, 1);
            let [scale, shift] = [&parts[0], &parts[1]].map(Tensor::clone);
            normalise_shifted(&self.norm2, convolve(&self.conv1, h), scale, shift, Activation::Silu)
        } else {
            normalise(&self.norm2, convolve_shifted(&self.conv1, h, time), Activation::Silu)
        };
        let residual = match &self.shortcut {
            Some(shortcut) => convolve(shortcut, x),
            None => x,
        };
        convolve_onto(&self.conv2, dropout.apply(h), residual)
    }
}
