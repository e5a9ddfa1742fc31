//! Self-attention of guided-diffusion.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::{Activation, attention};

use super::{AdmShape, AttentionOrder};
use crate::fused::{convolve, convolve_onto, normalise};
use crate::initialiser::Initialiser;

/// Attention over all positions of an image with several heads, and a residual.
///
/// Queries, keys and values are one convolution, whose channels stand in the order of the published weights.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, section 3 and code (`AttentionBlock`). The code scales
/// queries and keys by d^(-1/4) each, which is 1/sqrt(d) on their product.
#[derive(Module, Debug)]
pub(super) struct AdmAttention {
    norm: GroupNorm,
    qkv: Conv2d,
    out: Conv2d,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    order: AttentionOrder,
}

impl AdmAttention {
    pub(super) fn new(width: usize, shape: &AdmShape, init: &mut Initialiser) -> Self {
        AdmAttention {
            norm: init.group_norm_32(width),
            qkv: init.torch_conv([width, 3 * width], 1, 1),
            out: init.zero_conv([width, width], 1),
            heads: shape.heads.at(width),
            order: shape.order,
        }
    }

    /// `x` and the result are `[B, H, W, width]`.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, height, breadth, width] = x.dims();
        let qkv = convolve(&self.qkv, normalise(&self.norm, x.clone(), Activation::None));
        let qkv = qkv.reshape([batch, height * breadth, 3 * width]);
        let [q, k, v] = split(qkv, self.heads, self.order);
        let mixed = attention(q, k, v, self.heads);
        convolve_onto(&self.out, mixed.reshape([batch, height, breadth, width]), x)
    }
}

/// Queries, keys and values, each head after head: `[B, L, 3 C]` to three of `[B, L, C]`.
pub(super) fn split(qkv: Tensor<3>, heads: usize, order: AttentionOrder) -> [Tensor<3>; 3] {
    let [batch, tokens, channels] = qkv.dims();
    let width = channels / 3;
    match order {
        AttentionOrder::New => [0, 1, 2].map(|part| qkv.clone().narrow(2, part * width, width)),
        AttentionOrder::Legacy => {
            let by_head = qkv.reshape([batch, tokens, heads, 3, width / heads]);
            [0, 1, 2].map(|part| by_head.clone().narrow(3, part, 1).reshape([batch, tokens, width]))
        }
    }
}
