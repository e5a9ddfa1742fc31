//! ADM's residual block, which may also change the resolution.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::{Activation, group_norm, silu};

use crate::adm::AdmTrunkConfig;
use crate::adm::resolution::Resolution;
use crate::dropout::Dropout;
use crate::fused::{convolve, convolve_onto, convolve_rows, convolve_shifted, normalise};
use crate::initialiser::Initialiser;

/// ADM's residual block: norm, SiLU, change of resolution, conv; the embedding as scale and shift of the
/// second norm or added before it; SiLU, dropout, conv; plus the input.
///
/// A change of resolution (`resblock_updown`) applies to both branches.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`ResBlock`); Nichol, Dhariwal 2021,
/// arXiv:2102.09672, appendix A (scale and shift).
#[derive(Module, Debug)]
pub(crate) struct ResidualBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    embedding: Conv2d,
    norm2: GroupNorm,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
    scale_shift: bool,
    #[module(skip)]
    resolution: Resolution,
}

impl ResidualBlock {
    pub(crate) fn new(
        [from, to]: [usize; 2],
        resolution: Resolution,
        config: &AdmTrunkConfig,
        init: &mut Initialiser,
    ) -> Self {
        let embedded = if config.scale_shift { 2 * to } else { to };
        ResidualBlock {
            norm1: init.adm_norm(from),
            conv1: init.adm_conv([from, to], 3),
            embedding: init.adm_conv([4 * config.base, embedded], 1),
            norm2: init.adm_norm(to),
            conv2: init.adm_zero_conv([to, to], 3),
            shortcut: (from != to).then(|| init.adm_conv([from, to], 1)),
            scale_shift: config.scale_shift,
            resolution,
        }
    }

    /// `x` is `[B, H, W, from]`, `embedding` `[1 or B, 4 base]` before its SiLU, the result `[B, h, w, to]`.
    pub(crate) fn forward(&self, x: Tensor<4>, embedding: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = self.resolution.change(normalise(&self.norm1, x.clone(), Activation::Silu));
        let x = self.resolution.change(x);
        let embedding = convolve_rows(&self.embedding, silu(embedding.clone()));
        let h = if self.scale_shift {
            self.scaled(convolve(&self.conv1, h), embedding)
        } else {
            normalise(&self.norm2, convolve_shifted(&self.conv1, h, embedding), Activation::Silu)
        };
        let residual = match &self.shortcut {
            Some(shortcut) => convolve(shortcut, x),
            None => x,
        };
        convolve_onto(&self.conv2, dropout.apply(h), residual)
    }

    /// `SiLU(norm(h) (1 + scale) + shift)`; the first half of the embedding is the scale.
    fn scaled(&self, h: Tensor<4>, embedding: Tensor<2>) -> Tensor<4> {
        let norm = &self.norm2;
        let [gain, bias] = [&norm.gamma, &norm.beta]
            .map(|part| part.as_ref().expect("every norm here is affine").val().unsqueeze::<2>());
        let width = norm.num_channels;
        let scale = embedding.clone().narrow(1, 0, width).add_scalar(1.0);
        let shift = embedding.narrow(1, width, width);
        let bias = bias.mul(scale.clone()).add(shift);
        group_norm(h, gain.mul(scale), bias, norm.num_groups, norm.epsilon, Activation::Silu)
    }
}
