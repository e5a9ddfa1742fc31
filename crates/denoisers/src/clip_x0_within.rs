//! The wrapper that clips x0 to a range of the user's.

use burn::tensor::Tensor;

use crate::{DenoiseError, Denoiser, Prediction, Question};

/// A denoiser whose x0 is clipped to `[-range, range]`; with a range of 1 it is [`ClipX0`](crate::ClipX0).
///
/// `clip_sample_range` of huggingface/diffusers.
#[derive(Clone, Copy, Debug)]
pub struct ClipX0Within<M> {
    inner: M,
    range: f64,
}

impl<M> ClipX0Within<M> {
    /// Clips to `[-range, range]`.
    ///
    /// # Errors
    /// [`DenoiseError::ClipRange`] unless the range is positive and finite.
    pub fn new(inner: M, range: f64) -> Result<Self, DenoiseError> {
        if range > 0.0 && range.is_finite() {
            Ok(ClipX0Within { inner, range })
        } else {
            Err(DenoiseError::ClipRange { range })
        }
    }
}

impl<const D: usize, M: Denoiser<D>> Denoiser<D> for ClipX0Within<M> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        Ok(self.inner.predict(x, at)?.clip_x0(-self.range, self.range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClipX0, Gaussian};
    use burn::tensor::{DType, Device, TensorData};
    use undrift_schedules::Level;

    const MODEL: Gaussian = Gaussian { mean: 0.0, std: 3.0 };

    fn x0(model: &dyn Denoiser<2>) -> Vec<f64> {
        let x = TensorData::new(vec![-9.0, -0.4, 0.7, 2.0, 5.0, 12.0], [3, 2]);
        let x = Tensor::from_data(x, (&Device::flex(), DType::F64));
        model
            .predict(x, &Question::from(Level::vp(0.9, 1.0).unwrap()))
            .unwrap()
            .x0()
            .into_data()
            .iter::<f64>()
            .collect()
    }

    #[test]
    fn x0_stays_within_the_range_and_is_the_plain_one_inside() {
        let (plain, clipped) = (x0(&MODEL), x0(&ClipX0Within::new(MODEL, 3.0).unwrap()));
        assert!(plain.iter().any(|x0| x0.abs() > 3.0));
        for (plain, clipped) in plain.iter().zip(&clipped) {
            assert_eq!(*clipped, plain.clamp(-3.0, 3.0));
        }
        assert_eq!(x0(&ClipX0Within::new(MODEL, 1.0).unwrap()), x0(&ClipX0(MODEL)));
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for range in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(ClipX0Within::new(MODEL, range), Err(DenoiseError::ClipRange { .. })));
        }
    }
}
