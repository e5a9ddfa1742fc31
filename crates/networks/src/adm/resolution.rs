//! What happens to the resolution of an image on its way through ADM's blocks.

use burn::tensor::Tensor;
use undrift_kernels::upsample;

/// What happens to the resolution of an image, without parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// Nothing.
    Kept,
    /// The mean of each 2x2 pixels.
    Halved,
    /// Every pixel four times.
    Doubled,
}

impl Resolution {
    /// `[B, H, W, C]` to `[B, h, w, C]`.
    pub(crate) fn change(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Resolution::Kept => x,
            Resolution::Halved => pool(x),
            Resolution::Doubled => upsample(x),
        }
    }
}

fn pool(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let pairs = x.reshape([batch, height / 2, 2, width / 2, 2, channels]);
    pairs.mean_dim(4).mean_dim(2).reshape([batch, height / 2, width / 2, channels])
}
