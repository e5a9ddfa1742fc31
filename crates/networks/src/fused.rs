//! Burn's layers, run through the fused operations.
//!
//! The layers stay what they are, holders of parameters with their names and shapes; only their forward
//! pass is another one, on images `[B, H, W, C]`.

use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, PaddingConfig2d};
use burn::tensor::Tensor;
use undrift_kernels::{Activation, Padding, convolution, group_norm};

/// The normalised image, then the activation.
pub(crate) fn normalise(layer: &GroupNorm, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    let [gain, bias] =
        [&layer.gamma, &layer.beta].map(|part| row(part.as_ref().expect("every norm here is affine").val()));
    group_norm(x, gain, bias, layer.num_groups, layer.epsilon, activation)
}

/// The convolved image with the layer's bias.
pub(crate) fn convolve(layer: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    run(layer, x, bias(layer), None)
}

/// The convolved image with the layer's bias and `shift` `[1 or B, out]` for all pixels of an image.
pub(crate) fn convolve_shifted(layer: &Conv2d, x: Tensor<4>, shift: Tensor<2>) -> Tensor<4> {
    run(layer, x, bias(layer).add(shift), None)
}

/// The convolved image with the layer's bias, plus `residual`.
pub(crate) fn convolve_onto(layer: &Conv2d, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
    run(layer, x, bias(layer), Some(residual))
}

/// The dense layer that a 1x1 convolution is: `[N, from]` to `[N, to]`.
///
/// In this way row i does not depend on how many rows there are, which a product of matrices does not promise.
pub(crate) fn convolve_rows(layer: &Conv2d, x: Tensor<2>) -> Tensor<2> {
    let [rows, from] = x.dims();
    convolve(layer, x.reshape([rows, 1, 1, from])).flatten::<2>(1, 3)
}

fn run(layer: &Conv2d, x: Tensor<4>, shift: Tensor<2>, residual: Option<Tensor<4>>) -> Tensor<4> {
    let PaddingConfig2d::Explicit(top, left, bottom, right) = layer.padding else {
        panic!("the networks here are made with explicit padding, not {:?}", layer.padding);
    };
    let padding = Padding { top, left, bottom, right };
    convolution(x, layer.weight.val(), shift, residual, layer.stride[0], padding)
}

fn bias(layer: &Conv2d) -> Tensor<2> {
    row(layer.bias.as_ref().expect("every convolution here has a bias").val())
}

fn row(x: Tensor<1>) -> Tensor<2> {
    x.unsqueeze()
}
