//! From one value per pixel to one per sample.

use burn::tensor::Tensor;

/// Mean over all dimensions but the first.
///
/// # Shapes
/// `values`: `[B, ..]`; result: `[B]`.
pub fn mean_over_dims<const D: usize>(values: Tensor<D>) -> Tensor<1> {
    let (rows, batch) = rows(values);
    rows.mean_dim(1).reshape([batch])
}

/// Sum over all dimensions but the first.
///
/// # Shapes
/// `values`: `[B, ..]`; result: `[B]`.
pub fn sum_over_dims<const D: usize>(values: Tensor<D>) -> Tensor<1> {
    let (rows, batch) = rows(values);
    rows.sum_dim(1).reshape([batch])
}

/// One row per sample, and how many there are.
fn rows<const D: usize>(values: Tensor<D>) -> (Tensor<2>, usize) {
    let dims = values.dims();
    let width: usize = dims[1..].iter().product();
    (values.reshape([dims[0], width]), dims[0])
}
