//! The way down and the bottom, which the U-Net and the classifier share.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::AdmShape;
use super::attention::AdmAttention;
use super::block::{AdmBlock, Change};
use super::resample::Resample;
use crate::dropout::Dropout;
use crate::fused::convolve;
use crate::initialiser::Initialiser;

/// The input convolution, the levels on the way down, and the bottom.
#[derive(Module, Debug)]
pub(super) struct Encoder {
    conv_in: Conv2d,
    down: Vec<Down>,
    middle: Middle,
}

/// One resolution on the way down: blocks with or without attention, then half the resolution.
#[derive(Module, Debug)]
struct Down {
    stages: Vec<Stage>,
    halve: Option<Halve>,
}

/// A residual block and, at the rates asked for, the attention after it.
#[derive(Module, Debug)]
pub(super) struct Stage {
    block: AdmBlock,
    attention: Option<AdmAttention>,
}

/// How the resolution is halved; one of the two.
#[derive(Module, Debug)]
struct Halve {
    block: Option<AdmBlock>,
    plain: Option<Resample>,
}

/// Attention between two residual blocks.
#[derive(Module, Debug)]
struct Middle {
    first: AdmBlock,
    attention: AdmAttention,
    last: AdmBlock,
}

impl Encoder {
    /// The encoder; appends the width of every skip to `skips`.
    pub(super) fn new(shape: &AdmShape, skips: &mut Vec<usize>, init: &mut Initialiser) -> Self {
        let widths = shape.widths();
        let mut from = widths[0];
        skips.push(from);
        let conv_in = init.torch_conv([shape.in_channels, from], 3, 1);
        let mut down = Vec::new();
        for (level, &to) in widths.iter().enumerate() {
            let mut stages = Vec::new();
            for _ in 0..shape.blocks {
                stages.push(Stage::new([from, to], 1 << level, shape, init));
                skips.push(to);
                from = to;
            }
            let halve = (level + 1 < widths.len()).then(|| {
                skips.push(to);
                Halve::new(to, shape, init)
            });
            down.push(Down { stages, halve });
        }
        Encoder { conv_in, down, middle: Middle::new(from, shape, init) }
    }

    /// `x` is `[B, H, W, in_channels]`; the outputs on the way are appended to `skips`.
    pub(super) fn forward(
        &self,
        x: Tensor<4>,
        time: &Tensor<2>,
        dropout: &mut Dropout<'_>,
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        let mut h = convolve(&self.conv_in, x);
        skips.push(h.clone());
        for level in &self.down {
            for stage in &level.stages {
                h = stage.forward(h, time, dropout);
                skips.push(h.clone());
            }
            if let Some(halve) = &level.halve {
                h = halve.forward(h, time, dropout);
                skips.push(h.clone());
            }
        }
        self.middle.forward(h, time, dropout)
    }
}

impl Stage {
    pub(super) fn new(widths: [usize; 2], rate: usize, shape: &AdmShape, init: &mut Initialiser) -> Self {
        Stage {
            block: AdmBlock::new(widths, Change::None, shape, init),
            attention: shape.attends(rate).then(|| AdmAttention::new(widths[1], shape, init)),
        }
    }

    pub(super) fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = self.block.forward(x, time, dropout);
        match &self.attention {
            Some(attention) => attention.forward(h),
            None => h,
        }
    }
}

impl Halve {
    fn new(width: usize, shape: &AdmShape, init: &mut Initialiser) -> Self {
        let by_block = shape.residual_resampling;
        Halve {
            block: by_block.then(|| AdmBlock::new([width, width], Change::Halve, shape, init)),
            plain: (!by_block).then(|| Resample::down(width, shape.conv_resampling, init)),
        }
    }

    fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        match (&self.block, &self.plain) {
            (Some(block), _) => block.forward(x, time, dropout),
            (_, Some(plain)) => plain.halve(x),
            (None, None) => unreachable!("one of the two is made"),
        }
    }
}

impl Middle {
    fn new(width: usize, shape: &AdmShape, init: &mut Initialiser) -> Self {
        Middle {
            first: AdmBlock::new([width, width], Change::None, shape, init),
            attention: AdmAttention::new(width, shape, init),
            last: AdmBlock::new([width, width], Change::None, shape, init),
        }
    }

    fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = self.attention.forward(self.first.forward(x, time, dropout));
        self.last.forward(h, time, dropout)
    }
}
