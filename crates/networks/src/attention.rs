//! Self-attention over the positions of an image.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

use crate::initialiser::{Initialiser, ONE, ZERO};

/// DDPM's self-attention over all positions of an image: one head, 1/sqrt(channels), residual.
///
/// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, appendix B and code (`attn_block`).
#[derive(Module, Debug)]
pub(crate) struct SelfAttention {
    norm: GroupNorm,
    query: Conv2d,
    key: Conv2d,
    value: Conv2d,
    out: Conv2d,
}

impl SelfAttention {
    pub(crate) fn new(width: usize, groups: usize, init: &mut Initialiser) -> Self {
        SelfAttention {
            norm: init.group_norm(width, groups),
            query: init.conv([width, width], 1, ONE),
            key: init.conv([width, width], 1, ONE),
            value: init.conv([width, width], 1, ONE),
            out: init.conv([width, width], 1, ZERO),
        }
    }

    /// `x` and the result are `[B, width, H, W]`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, width, height, breadth] = x.dims();
        let flat = [batch, width, height * breadth];
        let h = self.norm.forward(x.clone());
        let query = self.query.forward(h.clone()).reshape(flat).swap_dims(1, 2);
        let key = self.key.forward(h.clone()).reshape(flat);
        let value = self.value.forward(h).reshape(flat).swap_dims(1, 2);
        let scores = query.matmul(key).mul_scalar((width as f64).powf(-0.5));
        let mixed = softmax(scores, 2).matmul(value).swap_dims(1, 2);
        let mixed = mixed.reshape([batch, width, height, breadth]);
        x.add(self.out.forward(mixed))
    }
}
