//! The wrapper that brings each sample's x0 into range by a quantile of its own.

use burn::tensor::{Tensor, TensorData};

use crate::{DenoiseError, Denoiser, Prediction, Question};

/// Dynamic thresholding: x0 is clipped to `[-s, s]` and divided by s, where s is a quantile of the sample's `|x0|`, at
/// least 1 and at most `most` (Saharia et al. 2022, arXiv:2205.11487, section 2.3).
///
/// The paper knows no `most`; it is `sample_max_value` of huggingface/diffusers, whose default of 1 makes this plain
/// clipping. A quantile between two values is interpolated, as torch and numpy do. No sample depends on another.
#[derive(Clone, Copy, Debug)]
pub struct DynamicThreshold<M> {
    inner: M,
    ratio: f64,
    most: f64,
}

impl<M> DynamicThreshold<M> {
    /// The quantile of `ratio`, in `[0, 1]` (the paper's p; 0.995 is usual), bounded by 1 and `most`.
    ///
    /// # Errors
    /// [`DenoiseError::Threshold`] for a ratio out of range, or a `most` that is not positive and finite.
    pub fn new(inner: M, ratio: f64, most: f64) -> Result<Self, DenoiseError> {
        if (0.0..=1.0).contains(&ratio) && most > 0.0 && most.is_finite() {
            return Ok(DynamicThreshold { inner, ratio, most });
        }
        Err(DenoiseError::Threshold { ratio, most })
    }

    /// s of one sample's values, as the peer bounds it: `most` wins over 1.
    fn threshold(&self, mut values: Vec<f64>) -> f64 {
        values.iter_mut().for_each(|value| *value = value.abs());
        values.sort_by(f64::total_cmp);
        let position = self.ratio * (values.len() - 1) as f64;
        let (low, share) = (position.floor() as usize, position.fract());
        let above = values[(low + 1).min(values.len() - 1)];
        let quantile = values[low] + share * (above - values[low]);
        if quantile.is_nan() { quantile } else { quantile.max(1.0).min(self.most) }
    }

    fn bounded<const D: usize>(&self, x0: Tensor<D>) -> Tensor<D> {
        let dims = x0.dims();
        let each: usize = dims[1..].iter().product();
        if dims[0] * each == 0 {
            return x0;
        }
        let values: Vec<f64> = x0.to_data().iter::<f64>().collect();
        let s: Vec<f64> = values.chunks(each).map(|sample| self.threshold(sample.to_vec())).collect();
        let mut column = [1; D];
        column[0] = dims[0];
        let s = Tensor::<D>::from_data(TensorData::new(s, column), (&x0.device(), x0.dtype()));
        x0.min_pair(s.clone()).max_pair(-s.clone()) / s
    }
}

impl<const D: usize, M: Denoiser<D>> Denoiser<D> for DynamicThreshold<M> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        self.inner.predict(x, at)?.bound_x0(|x0| self.bounded(x0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::X0;
    use burn::tensor::{DType, Device};
    use undrift_schedules::Level;

    /// Believes that x is clean.
    struct Same;

    impl Denoiser<2> for Same {
        fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
            Prediction::from_output(x.clone(), x, at.clone(), &X0)
        }
    }

    fn x0(ratio: f64, most: f64, values: &[f64]) -> Vec<f64> {
        let x = TensorData::new(values.to_vec(), [values.len() / 5, 5]);
        let x = Tensor::from_data(x, (&Device::flex(), DType::F64));
        let model = DynamicThreshold::new(Same, ratio, most).unwrap();
        model
            .predict(x, &Question::from(Level::vp(0.9, 1.0).unwrap()))
            .unwrap()
            .x0()
            .into_data()
            .iter::<f64>()
            .collect()
    }

    /// By hand: the quantile 0.9 of 0, 1, 2, 3, 4 is 3.6, that of 0, .1, .2, .3, .4 is below 1.
    #[test]
    fn each_sample_has_its_own_threshold_between_1_and_the_most() {
        let values = [-1.0, 2.0, 0.0, -4.0, 3.0, 0.1, 0.4, -0.3, 0.2, 0.0];
        let found = x0(0.9, 10.0, &values);
        let expected: Vec<f64> = [-1.0, 2.0, 0.0, -3.6, 3.0].iter().map(|x| x / 3.6).collect();
        assert!(found[..5].iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        assert_eq!(found[5..], values[5..]);
        let bounded = x0(0.9, 1.5, &values);
        assert_eq!(bounded[..5], [-1.0 / 1.5, 1.0, 0.0, -1.0, 1.0]);
        assert_eq!(x0(0.9, 1.0, &values)[..5], [-1.0, 1.0, 0.0, -1.0, 1.0]);
        assert_eq!(x0(0.9, 10.0, &values[..5]), found[..5]);
    }

    #[test]
    fn impossible_bounds_are_refused() {
        for (ratio, most) in [(-0.1, 1.0), (1.1, 1.0), (f64::NAN, 1.0), (0.9, 0.0), (0.9, f64::INFINITY)] {
            assert!(matches!(DynamicThreshold::new(Same, ratio, most), Err(DenoiseError::Threshold { .. })));
        }
    }
}
