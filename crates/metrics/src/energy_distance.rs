//! A distance between two sets of points, without features.

use burn::tensor::Tensor;

use crate::MetricError;

/// The energy distance `2 E|x - y| - E|x - x'| - E|y - y'|` between two sets of samples: 0 for two equal sets, above 0
/// for any others, in the units of the samples.
///
/// The expectations are means over all pairs, those of a sample with itself included, so that it is never negative. It
/// takes one norm for each pair, which is for toys.
///
/// Source: Székely, Rizzo 2013, doi:10.1016/j.jspi.2013.03.018.
///
/// # Shapes
/// `[A, ..]` and `[B, ..]`, samples of one shape.
///
/// # Errors
/// [`MetricError::Width`] for samples of two widths, [`MetricError::NoImages`] for none, [`MetricError::NotFinite`] for
/// a number that is not finite.
pub fn energy_distance<const D: usize>(one: Tensor<D>, other: Tensor<D>) -> Result<f64, MetricError> {
    let width = width_of(&one);
    if width_of(&other) != width {
        return Err(MetricError::Width { expected: width, found: width_of(&other) });
    }
    let (one, other) = (numbers(one, width)?, numbers(other, width)?);
    let mean = |a: &[f64], b: &[f64]| mean_distance(a, b, width);
    Ok(2.0 * mean(&one, &other) - mean(&one, &one) - mean(&other, &other))
}

/// Numbers of a sample.
fn width_of<const D: usize>(samples: &Tensor<D>) -> usize {
    samples.dims()[1..].iter().product()
}

/// All numbers, at least one sample of them and all finite.
fn numbers<const D: usize>(samples: Tensor<D>, width: usize) -> Result<Vec<f64>, MetricError> {
    let numbers = samples.try_into_vec_as::<f64>()?;
    if numbers.is_empty() {
        return Err(MetricError::NoImages);
    }
    match numbers.iter().position(|value| !value.is_finite()) {
        Some(at) => {
            let (sample, feature) = ((at / width) as u64, at % width);
            Err(MetricError::NotFinite { sample, feature, value: numbers[at] })
        }
        None => Ok(numbers),
    }
}

/// The mean over all pairs of the Euclidean distance.
fn mean_distance(a: &[f64], b: &[f64], width: usize) -> f64 {
    let squared = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    let from = |x: &[f64]| b.chunks_exact(width).map(|y| squared(x, y).sqrt()).sum::<f64>();
    let sum: f64 = a.chunks_exact(width).map(from).sum();
    sum / ((a.len() / width) as f64 * (b.len() / width) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, TensorData};

    fn points(values: &[f64], width: usize) -> Tensor<2> {
        let data = TensorData::new(values.to_vec(), [values.len() / width, width]);
        Tensor::from_data(data, (&Device::flex(), DType::F64))
    }

    #[test]
    fn two_by_hand() {
        // Pairs across: 3 and 4, 1 and 2 (mean 2.5); within: 0, 2, 2, 0 (mean 1) and 0, 1, 1, 0 (mean 0.5).
        let found = energy_distance(points(&[0.0, 2.0], 1), points(&[3.0, 4.0], 1)).unwrap();
        assert!((found - 3.5).abs() < 1e-14, "{found}");
        // Single points 3-4-5 apart: twice their distance.
        assert_eq!(energy_distance(points(&[0.0, 0.0], 2), points(&[3.0, 4.0], 2)).unwrap(), 10.0);
    }

    #[test]
    fn the_same_points_in_another_order_are_at_no_distance() {
        let (one, other) = (points(&[0.0, 1.0, 5.0, -2.0, 0.3, 0.4], 2), points(&[5.0, -2.0, 0.3, 0.4, 0.0, 1.0], 2));
        assert!(energy_distance(one, other).unwrap().abs() < 1e-14);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let one = || points(&[0.0, 1.0], 2);
        let wide = energy_distance(one(), points(&[0.0, 1.0, 2.0], 3));
        assert!(matches!(wide, Err(MetricError::Width { expected: 2, found: 3 })));
        assert!(matches!(energy_distance(one(), points(&[], 2)), Err(MetricError::NoImages)));
        let nan = energy_distance(one(), points(&[0.0, 1.0, f64::NAN, 2.0], 2));
        assert!(matches!(nan, Err(MetricError::NotFinite { sample: 1, feature: 0, .. })));
    }
}
