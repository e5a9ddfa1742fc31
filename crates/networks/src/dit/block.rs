//! A block of the transformer.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use burn::tensor::activation::gelu_approximate;
use undrift_kernels::attention;

use super::DitConfig;
use super::layers::{Start, dense, modulated, per_image};
use crate::fused::{convolve, convolve_rows};
use crate::initialiser::Initialiser;

/// Attention and a perceptron, each modulated before and gated after by the time and the class (adaLN-Zero).
///
/// Source: Peebles, Xie 2022, arXiv:2212.09748, section 3.2 and code (`DiTBlock`).
#[derive(Module, Debug)]
pub(super) struct Block {
    qkv: Conv2d,
    out: Conv2d,
    expand: Conv2d,
    contract: Conv2d,
    modulation: Conv2d,
    #[module(skip)]
    heads: usize,
}

impl Block {
    pub(super) fn new(config: &DitConfig, init: &mut Initialiser) -> Self {
        let (width, hidden) = (config.width, config.hidden());
        Block {
            qkv: dense([width, 3 * width], Start::Xavier, init),
            out: dense([width, width], Start::Xavier, init),
            expand: dense([width, hidden], Start::Xavier, init),
            contract: dense([hidden, width], Start::Xavier, init),
            modulation: dense([width, 6 * width], Start::Zero, init),
            heads: config.heads,
        }
    }

    /// `x` and the result are `[B, L, 1, width]`, `by` is `[B, width]`.
    pub(super) fn forward(&self, x: Tensor<4>, by: Tensor<2>) -> Tensor<4> {
        let parts = convolve_rows(&self.modulation, by).chunk(6, 1);
        let part = |index: usize| parts[index].clone();
        let attended = self.attend(modulated(x.clone(), part(0), part(1)));
        let x = x.add(attended.mul(per_image(part(2))));
        let hidden = gelu_approximate(convolve(&self.expand, modulated(x.clone(), part(3), part(4))));
        x.add(convolve(&self.contract, hidden).mul(per_image(part(5))))
    }

    fn attend(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, tokens, _, width] = x.dims();
        let qkv = convolve(&self.qkv, x).reshape([batch, tokens, 3 * width]);
        let [q, k, v] = [0, 1, 2].map(|part| qkv.clone().narrow(2, part * width, width));
        let mixed = attention(q, k, v, self.heads);
        convolve(&self.out, mixed.reshape([batch, tokens, 1, width]))
    }
}
