//! ADM's self-attention, and the two orders of channels that its checkpoints have.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::{Activation, attention};

use crate::adm::AdmHeads;
use crate::fused::{convolve, convolve_onto, normalise};
use crate::initialiser::Initialiser;

/// ADM's self-attention over all positions of an image, with several heads and a residual.
///
/// The published code multiplies queries and keys by `d^(-1/4)` each, d being the channels of a head; here
/// their product is divided by `sqrt(d)`, which is the same but for rounding.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`AttentionBlock`, `QKVAttention`,
/// `QKVAttentionLegacy`).
#[derive(Module, Debug)]
pub(crate) struct AttentionBlock {
    norm: GroupNorm,
    qkv: Conv2d,
    out: Conv2d,
    heads: usize,
    new_order: bool,
}

impl AttentionBlock {
    pub(crate) fn new(width: usize, heads: AdmHeads, new_order: bool, init: &mut Initialiser) -> Self {
        AttentionBlock {
            norm: init.adm_norm(width),
            qkv: init.adm_conv([width, 3 * width], 1),
            out: init.adm_zero_conv([width, width], 1),
            heads: heads.count(width),
            new_order,
        }
    }

    /// `x` and the result are `[B, H, W, width]`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, height, breadth, width] = x.dims();
        let h = convolve(&self.qkv, normalise(&self.norm, x.clone(), Activation::None));
        let qkv = h.reshape([batch, height * breadth, 3 * width]);
        let [q, k, v] = split(qkv, self.heads, self.new_order);
        let mixed = attention(q, k, v, self.heads);
        convolve_onto(&self.out, mixed.reshape([batch, height, breadth, width]), x)
    }
}

/// Queries, keys and values `[B, L, C]` of `[B, L, 3 C]`.
///
/// In the new order all queries stand before all keys and all values; in the old one each head has its
/// queries, keys and values together.
pub(crate) fn split(qkv: Tensor<3>, heads: usize, new_order: bool) -> [Tensor<3>; 3] {
    let [batch, tokens, channels] = qkv.dims();
    let (outer, inner) = if new_order { (1, channels / 3) } else { (heads, channels / 3 / heads) };
    let parts = qkv.reshape([batch, tokens, outer, 3, inner]);
    [0, 1, 2].map(|part| parts.clone().narrow(3, part, 1).reshape([batch, tokens, channels / 3]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn channels(new_order: bool) -> [Vec<f32>; 3] {
        let qkv: Tensor<1> = Tensor::from_floats([0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.], &Device::flex());
        split(qkv.reshape([1, 1, 12]), 2, new_order).map(|part| part.into_data().as_slice().unwrap().to_vec())
    }

    #[test]
    fn the_old_order_splits_heads_first_and_the_new_one_last() {
        assert_eq!(channels(false), [[0., 1., 6., 7.], [2., 3., 8., 9.], [4., 5., 10., 11.]]);
        assert_eq!(channels(true), [[0., 1., 2., 3.], [4., 5., 6., 7.], [8., 9., 10., 11.]]);
    }
}
