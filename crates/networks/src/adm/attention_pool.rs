//! The attention pooling that ends ADM's classifier.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::attention;

use crate::adm::attention_block::split;
use crate::fused::convolve;
use crate::initialiser::Initialiser;

/// All pixels and their mean attend to each other; what the mean has seen is projected.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`AttentionPool2d`).
#[derive(Module, Debug)]
pub(crate) struct AttentionPool {
    positions: Param<Tensor<2>>,
    qkv: Conv2d,
    out: Conv2d,
    heads: usize,
}

impl AttentionPool {
    pub(crate) fn new([width, out]: [usize; 2], pixels: usize, heads: usize, init: &mut Initialiser) -> Self {
        AttentionPool {
            positions: init.normal([width, pixels + 1], 1.0 / (width as f64).sqrt()),
            qkv: init.adm_conv([width, 3 * width], 1),
            out: init.adm_conv([width, out], 1),
            heads,
        }
    }

    /// `[B, H, W, width]` to `[B, out]`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let [batch, height, breadth, width] = x.dims();
        let pixels = x.reshape([batch, height * breadth, width]);
        let tokens = Tensor::cat(vec![pixels.clone().mean_dim(1), pixels], 1);
        let tokens = tokens.add(self.positions.val().transpose().unsqueeze::<3>());
        let count = height * breadth + 1;
        let qkv = convolve(&self.qkv, tokens.reshape([batch, count, 1, width]));
        let [q, k, v] = split(qkv.reshape([batch, count, 3 * width]), self.heads, true);
        let mean = attention(q, k, v, self.heads).narrow(1, 0, 1);
        convolve(&self.out, mean.reshape([batch, 1, 1, width])).flatten::<2>(1, 3)
    }
}
