//! Clipping of the gradient by its norm over all parameters together.

use burn::tensor::{DType, Tensor};

/// Norm of all gradients taken as one long vector.
///
/// The squares are added in f64 on the host, parameter after parameter, so that the norm is the same for
/// any number of threads (Burn's parallel sums are not) and no square overflows.
pub(crate) fn global_norm(gradients: &[Option<Tensor<1>>]) -> f64 {
    gradients.iter().flatten().map(squared_norm).sum::<f64>().sqrt()
}

/// What a gradient of this norm is multiplied by, so that its norm is at most `limit`.
///
/// This is `limit / max(norm, limit)` as in TensorFlow, which DDPM's code uses; PyTorch adds 1e-6 to the
/// norm.
pub(crate) fn clip_factor(norm: f64, limit: Option<f64>) -> f64 {
    limit.map_or(1.0, |limit| limit / norm.max(limit))
}

fn squared_norm(gradient: &Tensor<1>) -> f64 {
    let data = gradient.to_data();
    match data.dtype() {
        DType::F32 => data.as_slice::<f32>().map_or(f64::NAN, |values| sum_of_squares(values.iter().copied())),
        _ => sum_of_squares(data.iter::<f64>()),
    }
}

/// Numbers that are added side by side, which is faster than one after the other.
const LANES: usize = 8;

fn sum_of_squares<E: Into<f64>>(values: impl Iterator<Item = E>) -> f64 {
    let mut lanes = [0.0; LANES];
    for (at, value) in values.enumerate() {
        let value: f64 = value.into();
        lanes[at % LANES] += value * value;
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn tensor(values: &[f64], dtype: DType) -> Option<Tensor<1>> {
        Some(Tensor::from_data(values, (&Device::flex(), dtype)))
    }

    #[test]
    fn the_norm_is_over_all_parameters_together() {
        for dtype in [DType::F32, DType::F64] {
            let gradients = [tensor(&[3.0, 0.0], dtype), None, tensor(&[-4.0; 9], dtype)];
            assert_eq!(global_norm(&gradients), 153f64.sqrt());
        }
    }

    #[test]
    fn large_single_precision_gradients_do_not_overflow() {
        assert!((global_norm(&[tensor(&[1e30; 4], DType::F32)]) / 2e30 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn only_long_gradients_are_shortened() {
        assert_eq!(clip_factor(5.0, Some(1.0)), 0.2);
        assert_eq!([clip_factor(0.5, Some(1.0)), clip_factor(0.0, Some(1.0)), clip_factor(5.0, None)], [1.0; 3]);
    }
}
