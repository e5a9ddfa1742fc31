//! Mean and covariance, streamed in f64.

use burn::tensor::Tensor;

use crate::MetricError;

/// Mean and covariance of features, streamed in f64: what the Frechet distance needs of a data set.
///
/// It keeps `sum(x - o)` and `sum((x - o)(x - o)^T)`, where the origin `o` is the first sample: without
/// it, features far from zero would lose their variance to cancellation. Each entry is added up in order
/// of the samples, so the result is the same to the last bit for any split into batches. Merging
/// adds in another order and agrees up to rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianStats {
    width: usize,
    count: u64,
    origin: Vec<f64>,
    sum: Vec<f64>,
    /// Row-major `[width, width]`, of which the part on and above the diagonal is kept.
    products: Vec<f64>,
}

impl GaussianStats {
    /// Statistics of no samples yet, of `width` features each.
    pub fn new(width: usize) -> Self {
        let zeros = vec![0.0; width];
        GaussianStats { width, count: 0, origin: zeros.clone(), sum: zeros, products: vec![0.0; width * width] }
    }

    /// Features per sample.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Samples seen so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a batch of samples.
    ///
    /// # Shapes
    ///
    /// `features`: `[B, width]`.
    ///
    /// # Errors
    ///
    /// If the width differs or a feature is not finite; the statistics are then as before.
    pub fn push(&mut self, features: Tensor<2>) -> Result<(), MetricError> {
        self.check_width(features.dims()[1])?;
        self.push_rows(&features.try_into_vec_as::<f64>()?)
    }

    /// Adds samples that lie one after the other in `rows`.
    ///
    /// # Errors
    ///
    /// If the last row is incomplete or a feature is not finite; the statistics are then as before.
    pub fn push_rows(&mut self, rows: &[f64]) -> Result<(), MetricError> {
        let whole = crate::rows::rows(rows, self.width)?;
        self.check_finite(rows)?;
        let Some(first) = whole.clone().next() else { return Ok(()) };
        if self.count == 0 {
            self.origin.copy_from_slice(first);
        }
        self.count += whole.len() as u64;
        self.add(&self.centred(rows));
        Ok(())
    }

    /// Adds the samples of `other`, as if they came after these.
    ///
    /// # Errors
    ///
    /// If the widths differ; the statistics are then as before.
    pub fn merge(&mut self, other: &GaussianStats) -> Result<(), MetricError> {
        self.check_width(other.width)?;
        if self.count == 0 {
            *self = other.clone();
            return Ok(());
        }
        let n = other.count as f64;
        let shift = self.centred(&other.origin);
        for (at, (product, theirs)) in self.products.iter_mut().zip(&other.products).enumerate() {
            let (i, j) = (at / self.width, at % self.width);
            if i <= j {
                *product += theirs + (shift[i] * other.sum[j] + other.sum[i] * shift[j] + n * shift[i] * shift[j]);
            }
        }
        self.sum.iter_mut().zip(&other.sum).zip(&shift).for_each(|((sum, theirs), shift)| *sum += theirs + n * shift);
        self.count += other.count;
        Ok(())
    }

    /// The mean of each feature.
    ///
    /// # Errors
    ///
    /// If no sample has been seen.
    pub fn mean(&self) -> Result<Vec<f64>, MetricError> {
        self.check_count(1)?;
        let n = self.count as f64;
        Ok(self.origin.iter().zip(&self.sum).map(|(origin, sum)| origin + sum / n).collect())
    }

    /// The covariance with ddof 1, row-major `[width, width]`, exactly symmetric.
    ///
    /// # Errors
    ///
    /// If fewer than 2 samples have been seen.
    pub fn covariance(&self) -> Result<Vec<f64>, MetricError> {
        self.check_count(2)?;
        let n = self.count as f64;
        let of = |i: usize, j: usize| (self.products[i * self.width + j] - self.sum[i] * self.sum[j] / n) / (n - 1.0);
        let entry = |at: usize| {
            let (i, j) = (at / self.width, at % self.width);
            of(i.min(j), i.max(j))
        };
        Ok((0..self.products.len()).map(entry).collect())
    }

    /// Adds centred samples. The rows of `products` are the outer loop, so that a row stays in the cache
    /// for the whole batch; each entry still meets the samples in order.
    fn add(&mut self, samples: &[f64]) {
        let width = self.width;
        for (i, products) in self.products.chunks_exact_mut(width).enumerate() {
            for x in samples.chunks_exact(width) {
                self.sum[i] += x[i];
                products[i..].iter_mut().zip(&x[i..]).for_each(|(product, other)| *product += x[i] * other);
            }
        }
    }

    fn centred(&self, rows: &[f64]) -> Vec<f64> {
        rows.iter().zip(self.origin.iter().cycle()).map(|(x, origin)| x - origin).collect()
    }

    fn check_width(&self, found: usize) -> Result<(), MetricError> {
        if found == self.width { Ok(()) } else { Err(MetricError::Width { expected: self.width, found }) }
    }

    fn check_finite(&self, rows: &[f64]) -> Result<(), MetricError> {
        match rows.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(at) => Err(MetricError::NotFinite {
                sample: self.count + (at / self.width) as u64,
                feature: at % self.width,
                value: rows[at],
            }),
        }
    }

    fn check_count(&self, least: u64) -> Result<(), MetricError> {
        if self.count < least { Err(MetricError::TooFewSamples { count: self.count }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use proptest::prelude::*;

    fn stats(rows: &[f64], width: usize) -> GaussianStats {
        let mut stats = GaussianStats::new(width);
        stats.push_rows(rows).unwrap();
        stats
    }

    fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    /// By hand: means 2 and 4; deviations (-1, -3), (0, 1), (1, 2).
    #[test]
    fn mean_and_covariance_of_three_points() {
        let stats = stats(&[1.0, 1.0, 2.0, 5.0, 3.0, 6.0], 2);
        assert_eq!(stats.mean().unwrap(), [2.0, 4.0]);
        assert_eq!(stats.covariance().unwrap(), [1.0, 2.5, 2.5, 7.0]);
    }

    proptest! {
        #[test]
        fn any_split_into_batches_gives_the_same_bits(
            rows in prop::collection::vec(-10.0f64..10.0, 3 * 12), cut in 0usize..=12
        ) {
            let whole = stats(&rows, 3);
            let mut parts = stats(&rows[..3 * cut], 3);
            parts.push_rows(&rows[3 * cut..]).unwrap();
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn merging_gives_the_same_up_to_rounding(
            rows in prop::collection::vec(-10.0f64..10.0, 3 * 12), cut in 0usize..=12
        ) {
            let whole = stats(&rows, 3);
            let mut merged = stats(&rows[..3 * cut], 3);
            merged.merge(&stats(&rows[3 * cut..], 3)).unwrap();
            prop_assert_eq!(whole.count(), merged.count());
            prop_assert!(largest_gap(&whole.mean().unwrap(), &merged.mean().unwrap()) < 1e-13);
            let gap = largest_gap(&whole.covariance().unwrap(), &merged.covariance().unwrap());
            prop_assert!(gap < 1e-11, "gap {}", gap);
        }
    }

    /// Without an origin the variance of features near 1e8 would be lost altogether.
    #[test]
    fn features_far_from_zero_keep_their_variance() {
        let far: Vec<f64> = [1.0, 2.0, 4.0].map(|x| x + 1e8).to_vec();
        assert_eq!(stats(&far, 1).covariance().unwrap(), stats(&[1.0, 2.0, 4.0], 1).covariance().unwrap());
    }

    #[test]
    fn a_tensor_is_read_row_by_row() {
        let rows = TensorData::new(vec![1.0f32, 1.0, 2.0, 5.0, 3.0, 6.0], [3, 2]);
        let mut streamed = GaussianStats::new(2);
        streamed.push(Tensor::from_data(rows, &Device::flex())).unwrap();
        assert_eq!(streamed, stats(&[1.0, 1.0, 2.0, 5.0, 3.0, 6.0], 2));
    }

    #[test]
    fn bad_input_is_named_and_changes_nothing() {
        let mut stats = stats(&[1.0, 1.0], 2);
        let before = stats.clone();
        let error = stats.push_rows(&[0.0, 1.0, 2.0, f64::NAN]).unwrap_err();
        assert!(matches!(error, MetricError::NotFinite { sample: 2, feature: 1, .. }), "{error}");
        let error = stats.push(Tensor::zeros([1, 3], &Device::flex())).unwrap_err();
        assert!(matches!(error, MetricError::Width { expected: 2, found: 3 }), "{error}");
        let error = stats.push_rows(&[1.0, 2.0, 3.0]).unwrap_err();
        assert!(matches!(error, MetricError::Width { expected: 2, found: 1 }), "{error}");
        let error = stats.merge(&GaussianStats::new(3)).unwrap_err();
        assert!(matches!(error, MetricError::Width { expected: 2, found: 3 }), "{error}");
        assert_eq!(stats, before);
        let error = stats.covariance().unwrap_err();
        assert!(matches!(error, MetricError::TooFewSamples { count: 1 }), "{error}");
        let error = GaussianStats::new(2).mean().unwrap_err();
        assert!(matches!(error, MetricError::TooFewSamples { count: 0 }), "{error}");
    }
}
