//! How widely the values of a sample are spread, and the noise level that this fits best.

use burn::tensor::Tensor;

use crate::{DenoiseError, Levels};

/// The unbiased variance over all values of each sample of `x`, in variance-preserving units and in f64.
///
/// This is what the time-shift sampler compares with `1 - alpha_bar`
/// (Li, Qu, Yao, Sun, Moens 2024, arXiv:2305.15583, algorithm 2).
///
/// # Shapes
/// `x` is `[batch, ..]` at the levels `at`; one number for each sample.
///
/// # Errors
/// [`DenoiseError::LevelCount`] for levels that do not fit, [`DenoiseError::NoSpread`] for samples of fewer than
/// two values.
pub fn spread<const D: usize>(x: &Tensor<D>, at: &Levels) -> Result<Vec<f64>, DenoiseError> {
    at.check(x)?;
    let each: usize = x.dims()[1..].iter().product();
    if each < 2 {
        return Err(DenoiseError::NoSpread { values: each });
    }
    let values: Vec<f64> = x.to_data().iter::<f64>().collect();
    let scales = (0..).map_while(|sample| at.of(sample)).map(|level| level.scale());
    Ok(values.chunks(each).zip(scales).map(|(sample, scale)| variance(sample) / (scale * scale)).collect())
}

/// The place of the number nearest to `value`, the first of several; 0 without any, or if `value` is no number.
pub fn nearest(value: f64, numbers: impl IntoIterator<Item = f64>) -> usize {
    let distances = numbers.into_iter().map(|number| (value - number).abs()).enumerate();
    distances.fold((0, f64::INFINITY), |best, (at, gap)| if gap < best.1 { (at, gap) } else { best }).0
}

fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rows;
    use undrift_schedules::Level;

    #[test]
    fn the_variance_is_unbiased_and_of_each_sample_in_its_own_units() {
        let level = Level::vp(0.2, 0.0).expect("valid");
        let x = rows([[1.0, 2.0, 4.0, 5.0], [-3.0, -3.0, -3.0, 1.0]]);
        assert_eq!(spread(&x, &Levels::from(level)).expect("fits"), [10.0 / 3.0, 4.0]);
        let edm = level.unscaled().expect("has signal");
        let mixed = spread(&x, &Levels::from(vec![edm, level])).expect("fits");
        assert!((mixed[0] - 10.0 / 3.0 * 0.2).abs() < 1e-15 && mixed[1] == 4.0);
        let one = spread(&rows([[1.0], [2.0]]), &Levels::from(level)).unwrap_err();
        assert_eq!(one, DenoiseError::NoSpread { values: 1 });
    }

    #[test]
    fn the_first_of_equals_is_the_nearest() {
        assert_eq!(nearest(0.5, [0.1, 0.4, 0.75, 0.25]), 1);
        assert_eq!(nearest(0.5, [0.25, 0.75]), 0);
        assert_eq!((nearest(f64::NAN, [1.0, 2.0]), nearest(1.0, [])), (0, 0));
    }
}
