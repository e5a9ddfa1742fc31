//! Forward passes on flex tensors.

use burn::backend::Flex;
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

use super::{FusedOps, InPlaceOps};
use crate::attention::{self, Attention};
use crate::epilogue::Epilogue;
use crate::group_norm::{self, Affine, Norm, Statistics};
use crate::level::Level;
use crate::unfolded::Geometry;
use crate::{Activation, AdamStep, Padding, convolution, elementwise, pixels};

/// A tensor of these values.
pub(super) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape.into()), DType::F32)
}

/// The same tensor, its values in the order of its shape.
pub(super) fn contiguous(x: FlexTensor) -> FlexTensor {
    if x.is_contiguous() { x } else { x.to_contiguous() }
}

/// The same tensor with a buffer that it fills, as writing to it needs.
fn whole(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}

/// The values of a contiguous tensor.
pub(super) fn values(x: &FlexTensor) -> &[f32] {
    x.as_slice().expect("the caller has made it contiguous and f32")
}

/// The shape of a tensor that has `D` dimensions.
pub(super) fn shape<const D: usize>(x: &FlexTensor) -> [usize; D] {
    x.layout().shape().dims()
}

pub(super) fn geometry(x: &FlexTensor, weight: &FlexTensor, stride: usize, padding: Padding) -> Geometry {
    let [batch, height, width, from] = shape(x);
    let [to, _, kernel_height, kernel_width] = shape(weight);
    let Padding { top, left, bottom, right } = padding;
    let (kernel, padding) = ([kernel_height, kernel_width], [top, left, bottom, right]);
    Geometry { batch, height, width, from, to, kernel, stride, padding }
}

pub(super) fn convolve(
    g: &Geometry,
    x: &FlexTensor,
    weight: &FlexTensor,
    shift: &FlexTensor,
    residual: Option<&FlexTensor>,
) -> FlexTensor {
    let epilogue = Epilogue { shift: Some(values(shift)), residual: residual.map(values) };
    let y = convolution::forward(Level::current(), g, values(x), values(weight), &epilogue);
    tensor(y, [g.batch, g.out_height(), g.out_width(), g.to])
}

pub(super) fn norm(x: &FlexTensor, groups: usize, epsilon: f64, activation: Activation) -> Norm {
    let [batch, height, width, channels] = shape(x);
    let silu = activation == Activation::Silu;
    Norm { batch, pixels: height * width, channels, groups, epsilon: epsilon as f32, silu }
}

pub(super) fn normalise(norm: &Norm, x: &FlexTensor, gain: &FlexTensor, bias: &FlexTensor) -> (FlexTensor, Statistics) {
    let affine = Affine { gain: values(gain), bias: values(bias) };
    let (y, statistics) = group_norm::forward(Level::current(), norm, values(x), &affine);
    (tensor(y, shape::<4>(x)), statistics)
}

pub(super) fn attention_of(q: &FlexTensor, heads: usize) -> Attention {
    let [batch, tokens, channels] = shape(q);
    Attention { batch, tokens, channels, heads }
}

impl FusedOps for Flex {
    fn fused_convolution(
        x: FlexTensor,
        weight: FlexTensor,
        shift: FlexTensor,
        stride: usize,
        padding: Padding,
    ) -> FlexTensor {
        let [x, weight, shift] = [x, weight, shift].map(contiguous);
        convolve(&geometry(&x, &weight, stride, padding), &x, &weight, &shift, None)
    }

    fn fused_convolution_add(
        x: FlexTensor,
        weight: FlexTensor,
        shift: FlexTensor,
        residual: FlexTensor,
        stride: usize,
        padding: Padding,
    ) -> FlexTensor {
        let [x, weight, shift, residual] = [x, weight, shift, residual].map(contiguous);
        convolve(&geometry(&x, &weight, stride, padding), &x, &weight, &shift, Some(&residual))
    }

    fn fused_group_norm(
        x: FlexTensor,
        gain: FlexTensor,
        bias: FlexTensor,
        groups: usize,
        epsilon: f64,
        activation: Activation,
    ) -> FlexTensor {
        let [x, gain, bias] = [x, gain, bias].map(contiguous);
        normalise(&norm(&x, groups, epsilon, activation), &x, &gain, &bias).0
    }

    fn fused_attention(q: FlexTensor, k: FlexTensor, v: FlexTensor, heads: usize) -> FlexTensor {
        let [q, k, v] = [q, k, v].map(contiguous);
        let a = attention_of(&q, heads);
        let y = attention::forward(Level::current(), &a, values(&q), values(&k), values(&v));
        tensor(y, shape::<3>(&q))
    }

    fn fused_upsample(x: FlexTensor) -> FlexTensor {
        let x = contiguous(x);
        let [batch, height, width, channels] = shape(&x);
        tensor(pixels::repeat(values(&x), width, channels), [batch, 2 * height, 2 * width, channels])
    }

    fn fused_concat(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        let [a, b] = [a, b].map(contiguous);
        let ([batch, height, width, from_a], [_, _, _, from_b]) = (shape(&a), shape::<4>(&b));
        let y = pixels::join(values(&a), values(&b), [from_a, from_b]);
        tensor(y, [batch, height, width, from_a + from_b])
    }

    fn fused_silu(x: FlexTensor) -> FlexTensor {
        let x = contiguous(x);
        tensor(elementwise::silu(Level::current(), values(&x)), x.layout().shape().clone())
    }
}

impl InPlaceOps for Flex {
    fn fused_adam(
        weights: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        gradient: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [mut weights, mut first, mut second] = [weights, first, second].map(whole);
        let gradient = contiguous(gradient);
        let moments = [first.storage_mut(), second.storage_mut()];
        elementwise::adam(Level::current(), step, weights.storage_mut(), moments, values(&gradient));
        (weights, first, second)
    }

    fn fused_average(average: FlexTensor, weights: FlexTensor, share: f64) -> FlexTensor {
        let (mut average, weights) = (whole(average), contiguous(weights));
        elementwise::average(Level::current(), average.storage_mut(), values(&weights), share);
        average
    }
}
