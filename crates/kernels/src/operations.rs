//! The public operations, each of which chooses its path by the tensors it gets.

use burn::tensor::Tensor;
#[cfg(feature = "flex")]
use burn::tensor::{DType, Device};

use crate::{Activation, AdamStep, Padding, plain};

/// Convolution plus a shift, plus a residual.
///
/// Without the feature `flex` the first one on a flex device says so on standard error, once in a process.
///
/// # Shapes
///
/// - `x`: `[B, H, W, C]`
/// - `weight`: `[O, C, h, w]`
/// - `shift`: `[1, O]`, the bias, or `[B, O]`, bias and whatever else an image's pixels all get
/// - `residual`: that of the result
/// - result: `[B, (H + top + bottom - h) / stride + 1, (W + left + right - w) / stride + 1, O]`
///
/// On the fused path, kernels of 3x3 that keep height and width are done by Winograd's F(4x4, 3x3) (Lavin
/// and Gray 2016, arXiv:1509.09308) where both sides have some channels; its rounding error is near 1e-6 of
/// the largest output.
///
/// # Panics
///
/// If a shape is another one, the kernel is larger than the padded image, or the padded image has more
/// pixels than can be counted.
pub fn convolution(
    x: Tensor<4>,
    weight: Tensor<4>,
    shift: Tensor<2>,
    residual: Option<Tensor<4>>,
    stride: usize,
    padding: Padding,
) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let [out, from, kernel_height, kernel_width] = weight.dims();
    assert_eq!(channels, from, "an image of {channels} channels and a convolution of {from}");
    let rows = shift.dims()[0];
    assert!(
        shift.dims()[1] == out && (rows == 1 || rows == batch),
        "a shift is [1, {out}] or [{batch}, {out}], not {:?}",
        shift.dims()
    );
    let padded = |size: usize, before: usize, after: usize| size.checked_add(before)?.checked_add(after);
    let size = [padded(height, padding.top, padding.bottom), padded(width, padding.left, padding.right)];
    let size = size.map(|size| size.expect("padding that can be counted"));
    let values = size[0].checked_mul(size[1]).and_then(|n| n.checked_mul(batch)?.checked_mul(channels.max(out)));
    assert!(values.is_some(), "a padded image of {}x{} has more pixels than can be counted", size[0], size[1]);
    assert!(
        stride > 0 && kernel_height <= size[0] && kernel_width <= size[1],
        "a kernel of {kernel_height}x{kernel_width} with stride {stride} on a padded image of {}x{}",
        size[0],
        size[1],
    );
    let result = [batch, (size[0] - kernel_height) / stride + 1, (size[1] - kernel_width) / stride + 1, out];
    if let Some(residual) = &residual {
        assert_eq!(residual.dims(), result, "a residual has the shape of the result");
    }
    #[cfg(feature = "flex")]
    if fused(&x) && fused(&weight) && fused(&shift) && residual.as_ref().is_none_or(fused) {
        return crate::flex::convolution(x, weight, shift, residual, stride, padding);
    }
    #[cfg(not(feature = "flex"))]
    crate::unfused::note(&x.device());
    plain::convolution(x, weight, shift, residual, stride, padding)
}

/// Group normalisation of each image, then gain and bias, then the activation.
///
/// Wu and He 2018 (arXiv:1803.08494): mean and (biased) variance are those of all pixels of a group of
/// neighbouring channels. A gain and bias per image make it the scale-shift norm of Dhariwal and Nichol
/// 2021 (arXiv:2105.05233): `gain = gamma (1 + scale)`, `bias = beta (1 + scale) + shift`.
///
/// # Shapes
///
/// - `x` and the result: `[B, H, W, C]`
/// - `gain`, `bias`: `[1, C]` or `[B, C]`, both the same
///
/// # Panics
///
/// If a shape is another one, or `groups` does not divide C.
pub fn group_norm(
    x: Tensor<4>,
    gain: Tensor<2>,
    bias: Tensor<2>,
    groups: usize,
    epsilon: f64,
    activation: Activation,
) -> Tensor<4> {
    let [batch, _, _, channels] = x.dims();
    let rows = gain.dims()[0];
    assert!(
        gain.dims() == bias.dims() && gain.dims()[1] == channels && (rows == 1 || rows == batch),
        "gain and bias are [1, {channels}] or [{batch}, {channels}], not {:?} and {:?}",
        gain.dims(),
        bias.dims(),
    );
    assert!(groups > 0 && channels.is_multiple_of(groups), "{groups} groups do not divide {channels} channels");
    #[cfg(feature = "flex")]
    if fused(&x) && fused(&gain) && fused(&bias) {
        return crate::flex::group_norm(x, gain, bias, groups, epsilon, activation);
    }
    plain::group_norm(x, gain, bias, groups, epsilon, activation)
}

/// softmax(q kᵀ / sqrt(d)) v for each of `heads` heads, d being the channels of one.
///
/// Head h has the channels from `h * C / heads`. Scores are never held for more than some queries at a
/// time, and are computed again for the gradient.
///
/// # Shapes
///
/// All `[B, L, C]`, L being the tokens (pixels).
///
/// # Panics
///
/// If the shapes differ or `heads` does not divide C.
pub fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize) -> Tensor<3> {
    assert!(q.dims() == k.dims() && k.dims() == v.dims(), "q, k and v have different shapes");
    let [_, _, channels] = q.dims();
    assert!(heads > 0 && channels.is_multiple_of(heads), "{heads} heads do not divide {channels} channels");
    #[cfg(feature = "flex")]
    if fused(&q) && fused(&k) && fused(&v) {
        return crate::flex::attention(q, k, v, heads);
    }
    plain::attention(q, k, v, heads)
}

/// Twice the height and width, every pixel four times: `[B, H, W, C]` to `[B, 2 H, 2 W, C]`.
pub fn upsample(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if fused(&x) {
        return crate::flex::upsample(x);
    }
    plain::upsample(x)
}

/// The channels of `a`, then those of `b`: `[B, H, W, C]` and `[B, H, W, D]` to `[B, H, W, C + D]`.
///
/// # Panics
///
/// If batch, height or width differ.
pub fn concat_channels(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    assert_eq!(a.dims()[..3], b.dims()[..3], "only the channels may differ");
    #[cfg(feature = "flex")]
    if fused(&a) && fused(&b) {
        return crate::flex::concat_channels(a, b);
    }
    Tensor::cat(vec![a, b], 3)
}

/// SiLU, x / (1 + e^-x), of every element.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if fused(&x) {
        return crate::flex::silu(x);
    }
    burn::tensor::activation::silu(x)
}

/// One update by Adam: the new weights and moments.
///
/// Meant for tensors without autodiff (`Tensor::inner`); on an autodiff device it is a composition of Burn
/// operations like any other, and is tracked.
///
/// # Shapes
///
/// All the same.
pub fn adam_step(
    weights: Tensor<1>,
    moments: [Tensor<1>; 2],
    gradient: Tensor<1>,
    step: AdamStep,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let same = moments.iter().all(|moment| moment.dims() == weights.dims()) && gradient.dims() == weights.dims();
    assert!(same, "weights, moments and gradient have different lengths");
    #[cfg(feature = "flex")]
    if fused(&weights) && moments.iter().all(fused) && fused(&gradient) && !weights.device().is_autodiff() {
        return crate::flex::adam_step(weights, moments, gradient, step);
    }
    plain::adam_step(weights, moments, gradient, step)
}

/// `average + share * (weights - average)`.
///
/// Meant for tensors without autodiff, like [`adam_step`].
///
/// # Shapes
///
/// Both the same.
pub fn average_step(average: Tensor<1>, weights: Tensor<1>, share: f64) -> Tensor<1> {
    assert_eq!(average.dims(), weights.dims(), "average and weights have different lengths");
    #[cfg(feature = "flex")]
    if fused(&average) && fused(&weights) && !average.device().is_autodiff() {
        return crate::flex::average_step(average, weights, share);
    }
    plain::average_step(average, weights, share)
}

/// Runs a program's work on one of the threads that the operations share.
///
/// Elsewhere every operation hands its work over to those threads and sleeps until it is done, which costs
/// a training step of hundreds of operations some milliseconds.
///
/// While `work` waits for an operation, its thread may run parts of other operations; so `work` must not
/// wait for an operation that another thread of its own has started, and should hold no lock across one.
pub fn on_worker_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Whether the fused path can take this tensor; an empty one it leaves to Burn.
#[cfg(feature = "flex")]
fn fused<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && !x.dims().contains(&0) && is_flex(x.device())
}

#[cfg(feature = "flex")]
fn is_flex(device: Device) -> bool {
    matches!(device.without_autodiff().as_dispatch(), burn::backend::DispatchDevice::Flex(_))
}
