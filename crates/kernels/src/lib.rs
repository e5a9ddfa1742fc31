//! The operations that diffusion networks spend their time in, fused for CPUs.
//!
//! Every function takes and returns backend-free tensors and runs on every device. On Burn's flex backend
//! in single precision (feature `flex`) it is a fused forward pass with a handwritten backward pass; on
//! every other device, and in any other precision, it is a composition of plain Burn operations with the
//! same meaning. The tensors decide, so networks are written once.
//!
//! Images are `[B, H, W, C]`, channels last: that is the order in which one vector instruction handles
//! many channels of a pixel. Weights keep Burn's order, `[out, in, height, width]`.
//!
//! The instructions ([`Level`]) are chosen once per process; results of one level are the same bits for
//! any number of threads, and those of sample i for any batch around it. Where `UNDRIFT_SIMD` names no
//! level or one that the processor lacks, every fused operation panics: programs ask [`Level::chosen`] first.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use undrift_kernels::{Padding, convolution};
//!
//! let device = Device::flex();
//! let x = Tensor::ones([2, 8, 8, 3], &device); // two images of 8x8 pixels with 3 channels
//! let weight = Tensor::ones([5, 3, 3, 3], &device);
//! let shift = Tensor::zeros([1, 5], &device); // the bias, the same for every image
//! let y = convolution(x, weight, shift, None, 1, Padding::same(3));
//! assert_eq!(y.dims(), [2, 8, 8, 5]);
//! assert_eq!(y.slice([0..1, 4..5, 4..5, 0..1]).into_scalar::<f32>(), 27.0);
//! ```

#![allow(unsafe_code, reason = "the one crate that may; each block says why it is sound")]
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

mod activation;
mod adam_step;
mod operations;
mod padding;
mod plain;

#[cfg(any(feature = "flex", test))]
mod attention;
#[cfg(any(feature = "flex", test))]
mod convolution;
#[cfg(any(feature = "flex", test))]
mod elementwise;
#[cfg(any(feature = "flex", test))]
mod epilogue;
#[cfg(feature = "flex")]
mod flex;
#[cfg(any(feature = "flex", test))]
mod group_norm;
#[cfg(any(feature = "flex", test))]
mod lanes;
mod level;
#[cfg(any(feature = "flex", test))]
mod memory;
#[cfg(any(feature = "flex", test))]
mod pixels;
#[cfg(any(feature = "flex", test))]
mod product;
#[cfg(test)]
mod reference;
#[cfg(any(feature = "flex", test))]
mod unfolded;
#[cfg(any(not(feature = "flex"), test))]
#[cfg_attr(feature = "flex", allow(dead_code, reason = "only the tests ask where all operations are fused"))]
mod unfused;
#[cfg(any(feature = "flex", test))]
mod winograd;

pub use activation::Activation;
pub use adam_step::AdamStep;
pub use level::{Level, LevelError, VARIABLE};
pub use operations::{
    adam_step, attention, average_step, concat_channels, convolution, group_norm, on_worker_thread, silu, upsample,
};
pub use padding::Padding;
