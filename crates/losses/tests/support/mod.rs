//! What the tests of this crate share: tensors in and out, and data on the 256 grey levels.
#![allow(dead_code, reason = "each test file uses its part")]

use burn::tensor::{DType, Device, Tensor, TensorData};

pub(crate) fn tensor<const D: usize>(values: &[f64], dims: [usize; D], dtype: DType) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims), (&Device::flex(), dtype))
}

pub(crate) fn doubles<const D: usize>(values: &[f64], dims: [usize; D]) -> Tensor<D> {
    tensor(values, dims, DType::F64)
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().expect("readable")
}

/// The colour of an 8-bit grey level on the scale -1..1.
pub(crate) fn grey(level: f64) -> f64 {
    level / 127.5 - 1.0
}

/// The largest `|a - b| / (1 + |b|)`; infinite where either is not a number.
pub(crate) fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let gap = |(a, b): (&f64, &f64)| (a - b).abs() / (1.0 + b.abs());
    a.iter().zip(b).map(gap).fold(0.0, |most, gap| if gap <= most { most } else { gap.max(most) })
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
