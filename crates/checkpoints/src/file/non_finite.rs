//! Weights that are not numbers.

use burn::tensor::{DType, TensorData};

/// The flat index of the first element that is NaN or infinite, if there is one.
///
/// Integers and flags have none.
pub fn first_non_finite(data: &TensorData) -> Option<usize> {
    match data.dtype() {
        DType::F32 => data.as_slice::<f32>().ok()?.iter().position(|value| !value.is_finite()),
        DType::F64 => data.as_slice::<f64>().ok()?.iter().position(|value| !value.is_finite()),
        DType::F16 => data.as_slice::<half::f16>().ok()?.iter().position(|value| !value.is_finite()),
        DType::BF16 => data.as_slice::<half::bf16>().ok()?.iter().position(|value| !value.is_finite()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_found() {
        assert_eq!(first_non_finite(&TensorData::new(vec![0.0, 1.0, f32::NAN, f32::INFINITY], [4])), Some(2));
        assert_eq!(first_non_finite(&TensorData::new(vec![f64::NEG_INFINITY], [1])), Some(0));
        assert_eq!(first_non_finite(&TensorData::new(vec![f32::MAX], [1])), None);
        assert_eq!(first_non_finite(&TensorData::new(vec![i64::MAX], [1])), None);
    }
}
