//! Mean and standard deviation of each pixel, streamed in f64.

use crate::MetricError;
use crate::rows::rows;

/// Mean and standard deviation of each pixel over images, streamed in f64.
///
/// Each pixel is updated image by image (Welford 1962, doi:10.1080/00401706.1962.10490022), so the result is the
/// same to the last bit for any split into batches, and a variance is never negative. Merging (Chan, Golub, LeVeque
/// 1983, doi:10.1080/00031305.1983.10483115, eq. 2.1) agrees up to rounding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PixelStats {
    count: u64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl PixelStats {
    /// Images seen so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds images of `width` pixels each that lie one after the other in `images`; the first ones fix the width.
    ///
    /// # Errors
    /// [`MetricError::Width`] for another width or an incomplete image, [`MetricError::NotFinite`] for a pixel that
    /// is no finite number; the statistics are then as before.
    pub fn push(&mut self, images: &[f64], width: usize) -> Result<(), MetricError> {
        let whole = rows(images, width)?;
        self.check(images, width)?;
        if self.mean.is_empty() {
            (self.mean, self.squares) = (vec![0.0; width], vec![0.0; width]);
        }
        whole.for_each(|image| self.add(image));
        Ok(())
    }

    /// Adds the images of `other`, as if they came after these.
    ///
    /// # Errors
    /// [`MetricError::Width`] if the widths differ; the statistics are then as before.
    pub fn merge(&mut self, other: &PixelStats) -> Result<(), MetricError> {
        if self.count == 0 || other.count == 0 {
            if self.count == 0 {
                *self = other.clone();
            }
            return Ok(());
        }
        self.check_width(other.mean.len())?;
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let total = ours + theirs;
        for (pixel, (mean, squares)) in self.mean.iter_mut().zip(&mut self.squares).enumerate() {
            let apart = other.mean[pixel] - *mean;
            *mean += apart * theirs / total;
            *squares += other.squares[pixel] + apart * apart * ours * theirs / total;
        }
        self.count += other.count;
        Ok(())
    }

    /// Variance of each pixel over images, with ddof 0.
    ///
    /// # Errors
    /// [`MetricError::NoImages`] before the first image.
    pub fn variances(&self) -> Result<Vec<f64>, MetricError> {
        if self.count == 0 {
            return Err(MetricError::NoImages);
        }
        Ok(self.squares.iter().map(|squares| squares / self.count as f64).collect())
    }

    /// Standard deviation of each pixel over images (ddof 0), averaged over pixels.
    ///
    /// # Errors
    /// [`MetricError::NoImages`] before the first image.
    pub fn mean_std(&self) -> Result<f64, MetricError> {
        let variances = self.variances()?;
        Ok(variances.iter().map(|variance| variance.sqrt()).sum::<f64>() / variances.len() as f64)
    }

    fn add(&mut self, image: &[f64]) {
        self.count += 1;
        let share = 1.0 / self.count as f64;
        for ((mean, squares), x) in self.mean.iter_mut().zip(&mut self.squares).zip(image) {
            let before = x - *mean;
            *mean += before * share;
            *squares += before * (x - *mean);
        }
    }

    fn check(&self, images: &[f64], width: usize) -> Result<(), MetricError> {
        if self.count > 0 {
            self.check_width(width)?;
        }
        match images.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(at) => Err(MetricError::NotFinite {
                sample: self.count + (at / width) as u64,
                feature: at % width,
                value: images[at],
            }),
        }
    }

    fn check_width(&self, found: usize) -> Result<(), MetricError> {
        let expected = self.mean.len();
        if found == expected { Ok(()) } else { Err(MetricError::Width { expected, found }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stats(images: &[f64], width: usize) -> PixelStats {
        let mut stats = PixelStats::default();
        stats.push(images, width).unwrap();
        stats
    }

    /// By hand: pixel 0 is 1, 2, 3 (variance 2/3), pixel 1 is 1, 5, 6 (mean 4, variance 14/3).
    #[test]
    fn variances_have_ddof_zero_and_stds_are_averaged_over_pixels() {
        let stats = stats(&[1.0, 1.0, 2.0, 5.0, 3.0, 6.0], 2);
        let (a, b) = (2.0 / 3.0, 14.0 / 3.0);
        let found = stats.variances().unwrap();
        assert!((found[0] - a).abs() < 1e-15 && (found[1] - b).abs() < 1e-15, "{found:?}");
        assert!((stats.mean_std().unwrap() - (a.sqrt() + b.sqrt()) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn far_from_zero_nothing_is_lost_and_equal_images_have_no_spread() {
        let far = stats(&[1e8 + 1.0, 1e8 + 2.0, 1e8 + 4.0], 1).variances().unwrap()[0];
        assert!((far / (14.0 / 9.0) - 1.0).abs() < 1e-7, "{far}");
        assert_eq!(stats(&[0.1; 7], 1).mean_std().unwrap(), 0.0);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_bits_and_a_merge_the_same_numbers(
            images in prop::collection::vec(-10.0f64..10.0, 3 * 12), cut in 0usize..=12
        ) {
            let whole = stats(&images, 3);
            let mut parts = stats(&images[..3 * cut], 3);
            let mut merged = parts.clone();
            parts.push(&images[3 * cut..], 3).unwrap();
            prop_assert_eq!(&whole, &parts);
            merged.merge(&stats(&images[3 * cut..], 3)).unwrap();
            prop_assert_eq!(merged.count(), 12);
            for (a, b) in whole.variances().unwrap().iter().zip(merged.variances().unwrap()) {
                prop_assert!((a - b).abs() < 1e-12, "{} {}", a, b);
            }
        }
    }

    #[test]
    fn bad_input_is_named_and_changes_nothing() {
        let mut stats = stats(&[1.0, 1.0], 2);
        let before = stats.clone();
        let error = stats.push(&[0.0, 1.0, 2.0, f64::NAN], 2).unwrap_err();
        assert!(matches!(error, MetricError::NotFinite { sample: 2, feature: 1, .. }), "{error}");
        let error = stats.push(&[1.0, 2.0, 3.0], 3).unwrap_err();
        assert!(matches!(error, MetricError::Width { expected: 2, found: 3 }), "{error}");
        let error = stats.merge(&self::stats(&[0.0; 3], 3)).unwrap_err();
        assert!(matches!(error, MetricError::Width { expected: 2, found: 3 }), "{error}");
        assert_eq!(stats, before);
        assert!(matches!(PixelStats::default().mean_std(), Err(MetricError::NoImages)));
    }
}
