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
}

/// Updates in place, where nothing else holds the tensor; not on the graph of autodiff.
#[backend_extension(Flex)]
pub(crate) trait InPlaceOps: Backend {
    /// New weights, first and second moments.
    fn fused_adam(
        weights: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The new average.
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::attention::Attention;
    use crate::epilogue::Epilogue;
    use crate::group_norm::{Affine, Norm};
    use crate::level::Level;
    use crate::reference::numbers;
    use crate::unfolded::Geometry;

    fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().as_slice::<f32>().expect("single precision").to_vec()
    }

    /// The public functions must reach the slices' functions: plain operations would agree with them, but
    /// not to the last bit.
    #[test]
    #[cfg_attr(miri, ignore = "the slices' functions that it reaches have Miri tests of their own, Burn is slow there")]
    fn single_precision_on_this_backend_takes_the_fused_path() {
        let level = Level::current();
        let g = Geometry { batch: 2, height: 8, width: 8, from: 16, to: 8, kernel: [3, 3], stride: 1, padding: [1; 4] };
        let (x, weight, shift) = (numbers(2 * 64 * 16, 1), numbers(8 * 16 * 9, 2), numbers(8, 3));
        let epilogue = Epilogue { shift: Some(&shift), residual: None };
        let y = crate::convolution(
            tensor(&x, [2, 8, 8, 16]),
            tensor(&weight, [8, 16, 3, 3]),
            tensor(&shift, [1, 8]),
            None,
            1,
            Padding::same(3),
        );
        assert_eq!(values(y), crate::convolution::forward(level, &g, &x, &weight, &epilogue));

        let (gain, bias) = (numbers(16, 4), numbers(16, 5));
        let norm = Norm { batch: 2, pixels: 64, channels: 16, groups: 4, epsilon: 1e-6, silu: true };
        let row = |values: &[f32]| tensor(values, [1, 16]);
        let y = crate::group_norm(tensor(&x, [2, 8, 8, 16]), row(&gain), row(&bias), 4, 1e-6, Activation::Silu);
        let affine = Affine { gain: &gain, bias: &bias };
        assert_eq!(values(y), crate::group_norm::forward(level, &norm, &x, &affine).0);

        let a = Attention { batch: 2, tokens: 64, channels: 16, heads: 2 };
        let tokens = || tensor(&x, [2, 64, 16]);
        assert_eq!(
            values(crate::attention(tokens(), tokens(), tokens(), 2)),
            crate::attention::forward(level, &a, &x, &x, &x)
        );
        assert_eq!(values(crate::silu(tokens())), crate::elementwise::silu(level, &x));
    }

    #[test]
    fn updates_of_a_part_of_a_tensor_leave_the_rest_alone() {
        let whole = tensor(&numbers(12, 1), [12]);
        let part = whole.clone().narrow(0, 3, 5);
        let new = crate::average_step(part.clone(), tensor(&[0.0; 5], [5]), 0.5);
        assert_eq!(values(new), values(part.mul_scalar(0.5)));
        assert_eq!(values(whole), numbers(12, 1));
    }

    #[test]
    fn an_empty_batch_gives_an_empty_result() {
        let x = || tensor(&[], [0, 4, 4, 8]);
        let row = || tensor(&[0.0; 8], [1, 8]);
        let weight = tensor(&[0.0; 8 * 8 * 9], [8, 8, 3, 3]);
        let y = crate::convolution(x(), weight, row(), None, 1, Padding::same(3));
        assert_eq!(y.dims(), [0, 4, 4, 8]);
        assert_eq!(crate::silu(x()).dims(), [0, 4, 4, 8]);
        assert_eq!(crate::concat_channels(x(), x()).dims(), [0, 4, 4, 16]);
    }
}
