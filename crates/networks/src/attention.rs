//! Self-attention over the positions of an image.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::{Activation, attention};

use crate::fused::{convolve, convolve_onto, normalise};
use crate::initialiser::{Initialiser, ONE, ZERO};

/// DDPM's self-attention over all positions of an image: 1/sqrt(channels of a head), residual; one head in the
/// paper.
///
/// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, appendix B and code (`attn_block`).
#[derive(Module, Debug)]
pub(crate) struct SelfAttention {
    norm: GroupNorm,
    query: Conv2d,
    key: Conv2d,
    value: Conv2d,
    out: Conv2d,
    heads: usize,
}

impl SelfAttention {
    pub(crate) fn new(width: usize, groups: usize, heads: usize, init: &mut Initialiser) -> Self {
        SelfAttention {
            norm: init.group_norm(width, groups),
            query: init.conv([width, width], 1, ONE),
            key: init.conv([width, width], 1, ONE),
            value: init.conv([width, width], 1, ONE),
            out: init.conv([width, width], 1, ZERO),
            heads,
        }
    }

    /// `x` and the result are `[B, H, W, width]`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, height, breadth, width] = x.dims();
        let h = normalise(&self.norm, x.clone(), Activation::None);
        let tokens = |layer| convolve(layer, h.clone()).reshape([batch, height * breadth, width]);
        let mixed = attention(tokens(&self.query), tokens(&self.key), tokens(&self.value), self.heads);
        convolve_onto(&self.out, mixed.reshape([batch, height, breadth, width]), x)
    }
}
