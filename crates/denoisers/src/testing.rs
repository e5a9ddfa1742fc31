//! Small tensors for the unit tests of this crate.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// A batch of rows in f64.
pub(crate) fn rows<const B: usize, const N: usize>(values: [[f64; N]; B]) -> Tensor<2> {
    let flat = values.into_iter().flatten().collect::<Vec<f64>>();
    Tensor::from_data(TensorData::new(flat, [B, N]), (&Device::flex(), DType::F64))
}

pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// The bits of every value, for "nothing was changed".
pub(crate) fn bits<const D: usize>(tensor: &Tensor<D>) -> Vec<u64> {
    values(tensor).into_iter().map(f64::to_bits).collect()
}

/// Largest absolute difference; NaN anywhere counts as infinite.
pub(crate) fn gap<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let differences = values(a).into_iter().zip(values(b)).map(|(a, b)| (a - b).abs());
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max)
}
