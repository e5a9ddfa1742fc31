//! Attention pooling.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::attention;

use super::AttentionOrder;
use super::attention::split;
use crate::fused::convolve;
use crate::initialiser::Initialiser;

/// The mean of all positions asks all positions, and what it gets is the result.
///
/// Source: Radford et al. 2021, arXiv:2103.00020, as adapted in guided-diffusion's `AttentionPool2d`.
#[derive(Module, Debug)]
pub(super) struct AttentionPool {
    positions: Param<Tensor<2>>,
    qkv: Conv2d,
    out: Conv2d,
    #[module(skip)]
    heads: usize,
}

impl AttentionPool {
    /// `size` is height and width of the image that is pooled.
    pub(super) fn new(size: usize, width: usize, heads: usize, out: usize, init: &mut Initialiser) -> Self {
        AttentionPool {
            positions: init.normal([width, size * size + 1], 1.0 / (width as f64).sqrt()),
            qkv: init.torch_conv([width, 3 * width], 1, 1),
            out: init.torch_conv([width, out], 1, 1),
            heads,
        }
    }

    /// `x` is `[B, H, W, width]`, the result `[B, out]`.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let [batch, height, breadth, width] = x.dims();
        let tokens = height * breadth + 1;
        let x = x.reshape([batch, tokens - 1, width]);
        let x = Tensor::cat(vec![x.clone().mean_dim(1), x], 1);
        let x = x.add(self.positions.val().transpose().unsqueeze());
        let qkv = convolve(&self.qkv, x.reshape([batch, tokens, 1, width]));
        let [q, k, v] = split(qkv.reshape([batch, tokens, 3 * width]), self.heads, AttentionOrder::New);
        let first = attention(q, k, v, self.heads).narrow(1, 0, 1);
        let pooled = convolve(&self.out, first.reshape([batch, 1, 1, width]));
        let out = pooled.dims()[3];
        pooled.reshape([batch, out])
    }
}
