//! How ADM halves and doubles the resolution.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use crate::adm::AdmTrunkConfig;
use crate::adm::residual_block::ResidualBlock;
use crate::adm::resolution::Resolution;
use crate::dropout::Dropout;
use crate::fused::convolve;
use crate::initialiser::Initialiser;

/// A change of resolution between two levels: a residual block, a convolution, or neither.
///
/// The convolution on the way down has stride 2 and one pixel of padding on every side (DDPM's pads below
/// and to the right only); on the way up it follows the repetition of pixels.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`Downsample`, `Upsample`, `resblock_updown`).
#[derive(Module, Debug)]
pub(crate) struct Resample {
    block: Option<ResidualBlock>,
    conv: Option<Conv2d>,
    #[module(skip)]
    resolution: Resolution,
}

impl Resample {
    pub(crate) fn new(width: usize, resolution: Resolution, config: &AdmTrunkConfig, init: &mut Initialiser) -> Self {
        let stride = if resolution == Resolution::Halved { 2 } else { 1 };
        let block = config.block_resample.then(|| ResidualBlock::new([width, width], resolution, config, init));
        let convolves = config.conv_resample && !config.block_resample;
        let conv = convolves.then(|| init.adm_conv_with([width, width], 3, stride));
        Resample { block, conv, resolution }
    }

    /// `[B, H, W, width]` to half or twice the height and width.
    pub(crate) fn forward(&self, x: Tensor<4>, embedding: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        match (&self.block, &self.conv) {
            (Some(block), _) => block.forward(x, embedding, dropout),
            (None, Some(conv)) if self.resolution == Resolution::Halved => convolve(conv, x),
            (None, Some(conv)) => convolve(conv, self.resolution.change(x)),
            (None, None) => self.resolution.change(x),
        }
    }
}
