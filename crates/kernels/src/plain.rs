//! The same operations composed of plain Burn operations, for every device and precision.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use crate::{Activation, AdamStep, Padding};

pub(crate) fn convolution(
    x: Tensor<4>,
    weight: Tensor<4>,
    shift: Tensor<2>,
    residual: Option<Tensor<4>>,
    stride: usize,
    padding: Padding,
) -> Tensor<4> {
    let pairs = [(padding.top, padding.bottom), (padding.left, padding.right)];
    let options = ConvOptions::new_with_padding([stride; 2], pairs, [1; 2], 1);
    let y = conv2d(x.permute([0, 3, 1, 2]), weight, None, options).permute([0, 2, 3, 1]);
    let [rows, channels] = shift.dims();
    let y = y.add(shift.reshape([rows, 1, 1, channels]));
    match residual {
        Some(residual) => y.add(residual),
        None => y,
    }
}

pub(crate) fn group_norm(
    x: Tensor<4>,
    gain: Tensor<2>,
    bias: Tensor<2>,
    groups: usize,
    epsilon: f64,
    activation: Activation,
) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let parts = x.reshape([batch, height * width, groups, channels / groups]);
    let mean = |values: Tensor<4>| values.mean_dim(1).mean_dim(3);
    let centred = parts.clone().sub(mean(parts));
    let variance = mean(centred.clone().square());
    let normal = centred.div(variance.add_scalar(epsilon).sqrt()).reshape([batch, height, width, channels]);
    let rows = gain.dims()[0];
    let y = normal.mul(gain.reshape([rows, 1, 1, channels])).add(bias.reshape([rows, 1, 1, channels]));
    match activation {
        Activation::None => y,
        Activation::Silu => burn::tensor::activation::silu(y),
    }
}

pub(crate) fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, channels] = q.dims();
    let width = channels / heads;
    let split = |x: Tensor<3>| x.reshape([batch, tokens, heads, width]).swap_dims(1, 2);
    let scores = split(q).matmul(split(k).swap_dims(2, 3)).mul_scalar((width as f64).powf(-0.5));
    softmax(scores, 3).matmul(split(v)).swap_dims(1, 2).reshape([batch, tokens, channels])
}

pub(crate) fn upsample(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let x = x.reshape([batch, height, 1, width, channels]).repeat_dim(2, 2);
    let x = x.reshape([batch, 2 * height, width, 1, channels]).repeat_dim(3, 2);
    x.reshape([batch, 2 * height, 2 * width, channels])
}

pub(crate) fn adam_step(
    weights: Tensor<1>,
    [first, second]: [Tensor<1>; 2],
    gradient: Tensor<1>,
    step: AdamStep,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let gradient = if step.factor == 1.0 { gradient } else { gradient * step.factor };
    let first = first * step.beta_1 + gradient.clone() * (1.0 - step.beta_1);
    let second = second * step.beta_2 + gradient.square() * (1.0 - step.beta_2);
    let root = second.clone().sqrt() * step.root + step.epsilon;
    (weights - first.clone() * step.rate / root, [first, second])
}

pub(crate) fn average_step(average: Tensor<1>, weights: Tensor<1>, share: f64) -> Tensor<1> {
    average.clone() + (weights - average) * share
}
