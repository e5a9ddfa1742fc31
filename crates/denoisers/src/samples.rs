//! Sample-by-sample arithmetic in f64 on the host, for exact denoisers.

use burn::tensor::{Tensor, TensorData};
use undrift_schedules::Level;

use crate::{DenoiseError, Levels};

/// Maps every sample by itself in f64 on the host, so that none depends on its batch; no gradient flows through it.
///
/// # Shapes
/// `x` is `[batch, ..]` with `size` values in each sample, which `f` sees in row-major order beside the sample's level
/// and gives back as many; the result has the shape, dtype and device of `x`.
///
/// # Errors
/// [`DenoiseError::LevelCount`] for levels that do not fit, [`DenoiseError::SampleSize`] for samples of another size.
pub fn map_samples<const D: usize>(
    x: &Tensor<D>,
    at: &Levels,
    size: usize,
    f: impl Fn(&[f64], Level) -> Vec<f64>,
) -> Result<Tensor<D>, DenoiseError> {
    at.check(x)?;
    let values: Vec<f64> = x.to_data().iter::<f64>().collect();
    let found = x.dims()[1..].iter().product();
    if found != size {
        return Err(DenoiseError::SampleSize { expected: size, found });
    }
    let samples = values.chunks_exact(size).enumerate();
    let mapped = samples.flat_map(|(i, sample)| at.of(i).map(|level| f(sample, level))).flatten().collect();
    Ok(Tensor::from_data(TensorData::new::<f64, _>(mapped, x.dims()), (&x.device(), x.dtype())))
}

/// The mean of `size` values over alternatives whose probabilities are proportional to `exp(score)`.
///
/// The greatest score is subtracted first: the greatest term of the sum is 1, and what underflows beside it
/// does not count. `value(k, i)` is the `i`-th value of the alternative `scores[k]`.
pub fn softmax_mean(scores: &[f64], size: usize, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut mean) = (0.0, vec![0.0; size]);
    for (k, score) in scores.iter().enumerate() {
        let weight = (score - greatest).exp();
        if weight > 0.0 || weight.is_nan() {
            sum += weight;
            mean.iter_mut().enumerate().for_each(|(i, mean)| *mean += weight * value(k, i));
        }
    }
    mean.iter().map(|total| total / sum).collect()
}

/// `|x - signal * x0|^2`.
pub fn squared_distance(x: &[f64], x0: &[f64], signal: f64) -> f64 {
    x.iter().zip(x0).map(|(x, x0)| (x - signal * x0).powi(2)).sum()
}
