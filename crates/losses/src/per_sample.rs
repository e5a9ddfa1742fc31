//! From one value per pixel to one per sample.

use burn::tensor::Tensor;

/// Mean over all dimensions but the first.
///
/// # Shapes
/// `values`: `[B, ..]`; result: `[B]`.
pub(crate) fn mean_over_dims<const D: usize>(values: Tensor<D>) -> Tensor<1> {
    let dims = values.dims();
    let width: usize = dims[1..].iter().product();
    values.reshape([dims[0], width]).mean_dim(1).reshape([dims[0]])
}
