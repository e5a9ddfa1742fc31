//! The layers of the transformer on tokens `[B, L, 1, C]`, with their initial weights.
//!
//! Dense layers are 1x1 convolutions, which go through the fused product and give a token the same bits in
//! every batch.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use crate::initialiser::Initialiser;

/// How a dense layer starts.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// Uniform in ±sqrt(6 / (fan_in + fan_out)).
    Xavier,
    /// Normal with this standard deviation.
    Normal(f64),
    /// 0.
    Zero,
}

/// A dense layer whose bias starts at 0.
pub(super) fn dense([from, to]: [usize; 2], start: Start, init: &mut Initialiser) -> Conv2d {
    patches([from, to], 1, start, init)
}

/// A convolution over patches that do not overlap, whose bias starts at 0.
pub(super) fn patches([from, to]: [usize; 2], patch: usize, start: Start, init: &mut Initialiser) -> Conv2d {
    let (shape, inputs) = ([to, from, patch, patch], from * patch * patch);
    let weight = match start {
        Start::Xavier => init.uniform(shape, (6.0 / (inputs + to) as f64).sqrt()),
        Start::Normal(std) => init.normal(shape, std),
        Start::Zero => init.constant(shape, 0.0),
    };
    Conv2d {
        weight,
        bias: Some(init.constant([to], 0.0)),
        stride: [patch; 2],
        kernel_size: [patch; 2],
        dilation: [1; 2],
        groups: 1,
        padding: PaddingConfig2d::Explicit(0, 0, 0, 0),
    }
}

/// What is added to a token's variance.
const EPSILON: f64 = 1e-6;

/// Every token normalised over its channels, times `1 + scale` plus `shift`.
///
/// `x` is `[B, L, 1, C]`, `shift` and `scale` are `[B, C]`.
pub(super) fn modulated(x: Tensor<4>, shift: Tensor<2>, scale: Tensor<2>) -> Tensor<4> {
    let centred = x.clone().sub(x.mean_dim(3));
    let variance = centred.clone().square().mean_dim(3);
    let normal = centred.div(variance.add_scalar(EPSILON).sqrt());
    normal.mul(per_image(scale.add_scalar(1.0))).add(per_image(shift))
}

/// `[B, C]` as `[B, 1, 1, C]`.
pub(super) fn per_image(x: Tensor<2>) -> Tensor<4> {
    let [batch, width] = x.dims();
    x.reshape([batch, 1, 1, width])
}
