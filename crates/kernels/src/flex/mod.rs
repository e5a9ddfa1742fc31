//! The fused operations as an extension of Burn's flex backend.
//!
//! Here Burn's tensors become slices and back; all arithmetic is in the modules that know only slices.

mod backward;
mod forward;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use crate::{Activation, AdamStep, Padding};

/// The fused operations, on contiguous f32 tensors of the shapes in [`crate::operations`].
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FusedOps: Backend {
    fn fused_convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        stride: usize,
        padding: Padding,
    ) -> FloatTensor<Self>;

    fn fused_convolution_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        stride: usize,
        padding: Padding,
    ) -> FloatTensor<Self>;

    fn fused_group_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        groups: usize,
        epsilon: f64,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn fused_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self>;

    fn fused_upsample(x: FloatTensor<Self>) -> FloatTensor<Self>;

    fn fused_concat(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    fn fused_silu(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// New weights, first and second moments; not differentiable.
    fn fused_adam(
        weights: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The new average; not differentiable.
    fn fused_average(average: FloatTensor<Self>, weights: FloatTensor<Self>, share: f64) -> FloatTensor<Self>;
}

pub(crate) fn convolution(
    x: Tensor<4>,
    weight: Tensor<4>,
    shift: Tensor<2>,
    residual: Option<Tensor<4>>,
    stride: usize,
    padding: Padding,
) -> Tensor<4> {
    let (x, weight, shift) = (x.into_dispatch(), weight.into_dispatch(), shift.into_dispatch());
    Tensor::from_dispatch(match residual {
        None => Dispatch::fused_convolution(x, weight, shift, stride, padding),
        Some(residual) => Dispatch::fused_convolution_add(x, weight, shift, residual.into_dispatch(), stride, padding),
    })
}

pub(crate) fn group_norm(
    x: Tensor<4>,
    gain: Tensor<2>,
    bias: Tensor<2>,
    groups: usize,
    epsilon: f64,
    activation: Activation,
) -> Tensor<4> {
    let (x, gain, bias) = (x.into_dispatch(), gain.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_group_norm(x, gain, bias, groups, epsilon, activation))
}

pub(crate) fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize) -> Tensor<3> {
    let (q, k, v) = (q.into_dispatch(), k.into_dispatch(), v.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_attention(q, k, v, heads))
}

pub(crate) fn upsample(x: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::fused_upsample(x.into_dispatch()))
}

pub(crate) fn concat_channels(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::fused_concat(a.into_dispatch(), b.into_dispatch()))
}

pub(crate) fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::fused_silu(x.into_dispatch()))
}

pub(crate) fn adam_step(
    weights: Tensor<1>,
    [first, second]: [Tensor<1>; 2],
    gradient: Tensor<1>,
    step: AdamStep,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let (weights, first, second) = (weights.into_dispatch(), first.into_dispatch(), second.into_dispatch());
    let (weights, first, second) = Dispatch::fused_adam(weights, first, second, gradient.into_dispatch(), step);
    (Tensor::from_dispatch(weights), [Tensor::from_dispatch(first), Tensor::from_dispatch(second)])
}

pub(crate) fn average_step(average: Tensor<1>, weights: Tensor<1>, share: f64) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::fused_average(average.into_dispatch(), weights.into_dispatch(), share))
}
