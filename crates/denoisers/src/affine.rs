//! Weighted sums of two tensors with weights per sample.

use burn::tensor::Tensor;

use crate::column;

/// `(a, b)` of `a * x + b * y`.
pub type Affine = (f64, f64);

/// `a * x + b * y` with one pair of f64 factors for each sample, or one for all.
///
/// Factors of 1 are not multiplied and factors of 0 are not added, so that a view that is one of the tensors
/// is that tensor bit for bit.
///
/// # Shapes
/// `x` and `y` are `[batch, ..]`, and so is the result; `factors` holds one pair, or one for each sample.
pub fn affine<const D: usize>(factors: &[Affine], x: &Tensor<D>, y: &Tensor<D>) -> Tensor<D> {
    let (a, b): (Vec<f64>, Vec<f64>) = factors.iter().copied().unzip();
    match (term(x, &a), term(y, &b)) {
        (Some(of_x), Some(of_y)) => of_x + of_y,
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => x.zeros_like(),
    }
}

/// `factors * of`; nothing where every factor is 0, and `of` itself where every factor is 1.
///
/// # Shapes
/// `of` is `[batch, ..]`, and so is the result; `factors` holds one number, or one for each sample.
pub fn term<const D: usize>(of: &Tensor<D>, factors: &[f64]) -> Option<Tensor<D>> {
    let all = |value: f64| factors.iter().all(|&factor| factor == value);
    match (all(0.0), all(1.0)) {
        (true, _) => None,
        (_, true) => Some(of.clone()),
        _ => Some(of.clone() * column(factors, of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, TensorData};

    fn tensor(values: [f64; 4]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [2, 2]), (&Device::flex(), DType::F64))
    }

    fn values(tensor: Tensor<2>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    #[test]
    fn each_sample_has_its_factors() {
        let (x, y) = (tensor([1.0, 2.0, 3.0, 4.0]), tensor([10.0, 20.0, 30.0, 40.0]));
        assert_eq!(values(affine(&[(2.0, 0.5), (0.0, -1.0)], &x, &y)), [7.0, 14.0, -30.0, -40.0]);
        assert_eq!(values(affine(&[(0.0, 0.0)], &x, &y)), [0.0; 4]);
    }

    #[test]
    fn what_does_not_count_is_not_touched() {
        let (x, nan) = (tensor([1.0, 2.0, 3.0, -0.0]), tensor([f64::NAN; 4]));
        let same = values(affine(&[(1.0, 0.0)], &x, &nan));
        assert_eq!(same.iter().map(|a| a.to_bits()).collect::<Vec<_>>(), [1.0, 2.0, 3.0, -0.0f64].map(f64::to_bits));
    }
}
