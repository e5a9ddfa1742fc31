//! Noise that is none.

use burn::tensor::Tensor;

use crate::Noise;

/// No noise: every draw is zero, which turns a stochastic step into its mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zeros;

impl<const D: usize> Noise<D> for Zeros {
    fn normal(&mut self, like: &Tensor<D>) -> Tensor<D> {
        Tensor::zeros(like.dims(), (&like.device(), like.dtype()))
    }

    fn uniforms(&mut self, like: &Tensor<D>) -> Vec<f64> {
        vec![0.0; like.dims()[0]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    #[test]
    fn is_zero_of_the_same_kind() {
        let like = Tensor::<2>::ones([2, 3], (&Device::flex(), DType::F64));
        let data = Zeros.normal(&like).into_data();
        assert_eq!(data.try_to_vec::<f64>().unwrap(), vec![0.0; 6]);
    }
}
