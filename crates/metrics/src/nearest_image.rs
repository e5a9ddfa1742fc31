//! How near samples come to the images that a model was trained on.

use crate::{Better, Metric, MetricError, Score};
use burn::tensor::Tensor;

/// The root-mean-square difference between each image and the nearest reference image, in grey levels of 0 to 255,
/// averaged over the images: 0 for a model that copies what it was trained on.
///
/// Held-out images of the same data say how near is near. Differences are whole numbers, so that the score does not
/// depend on the order of sums.
#[derive(Clone, Debug)]
pub struct NearestImage {
    reference: Vec<u8>,
    pixels: usize,
    sum: f64,
    images: usize,
}

impl NearestImage {
    /// The distance to these reference images, of which each has so many `pixels` (channels counted).
    ///
    /// # Errors
    /// [`MetricError::NoImages`] without a whole image.
    pub fn new(reference: Vec<u8>, pixels: usize) -> Result<Self, MetricError> {
        if pixels == 0 || reference.len() < pixels {
            return Err(MetricError::NoImages);
        }
        Ok(NearestImage { reference, pixels, sum: 0.0, images: 0 })
    }
}

impl Metric for NearestImage {
    fn add(&mut self, images: Tensor<4>) -> Result<(), MetricError> {
        let found = images.dims()[1..].iter().product();
        if found != self.pixels {
            return Err(MetricError::Width { expected: self.pixels, found });
        }
        let values = images.into_data();
        let bytes: Vec<u8> = values.iter::<f64>().map(|value| (value * 127.5 + 127.5).round() as u8).collect();
        for image in bytes.chunks_exact(self.pixels) {
            let nearest = self.reference.chunks_exact(self.pixels).map(|other| squares(image, other)).min();
            self.sum += (nearest.unwrap_or(0) as f64 / self.pixels as f64).sqrt();
            self.images += 1;
        }
        Ok(())
    }

    fn scores(&self) -> Result<Vec<Score>, MetricError> {
        if self.images == 0 {
            return Err(MetricError::NoImages);
        }
        let value = self.sum / self.images as f64;
        let name = "distance to the nearest training image".to_owned();
        Ok(vec![Score { name, value, spread: None, better: Better::Higher, unit: "grey levels" }])
    }
}

fn squares(one: &[u8], other: &[u8]) -> u64 {
    // Parts of a length at which 32 bits hold the sum.
    let parts = one.chunks(1 << 15).zip(other.chunks(1 << 15));
    let part = |(one, other): (&[u8], &[u8])| -> u32 {
        one.iter().zip(other).map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    parts.map(|pair| u64::from(part(pair))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn images(bytes: &[u8]) -> Tensor<4> {
        let values: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 127.5 - 1.0).collect();
        Tensor::from_data(TensorData::new(values, [bytes.len() / 2, 1, 1, 2]), &Device::flex())
    }

    #[test]
    fn a_copy_is_at_distance_0_and_others_at_that_of_the_nearest() {
        let of = |bytes: &[u8]| {
            let mut metric = NearestImage::new(vec![0, 0, 255, 255, 10, 20], 2).unwrap();
            metric.add(images(bytes)).unwrap();
            metric.scores().unwrap()[0].value
        };
        assert_eq!(of(&[255, 255, 10, 20]), 0.0);
        assert_eq!(of(&[3, 4]), (12.5_f64).sqrt());
        assert_eq!(of(&[10, 20, 13, 24]), (12.5_f64).sqrt() / 2.0);
    }

    #[test]
    fn batches_may_end_anywhere() {
        let mut metric = NearestImage::new(vec![7, 9, 100, 30], 2).unwrap();
        metric.add(images(&[0, 0, 90, 31])).unwrap();
        metric.add(images(&[255, 1])).unwrap();
        let mut whole = NearestImage::new(vec![7, 9, 100, 30], 2).unwrap();
        whole.add(images(&[0, 0, 90, 31, 255, 1])).unwrap();
        assert_eq!(metric.scores().unwrap(), whole.scores().unwrap());
    }

    #[test]
    fn what_has_no_distance_is_refused() {
        assert!(matches!(NearestImage::new(vec![0], 2), Err(MetricError::NoImages)));
        let mut metric = NearestImage::new(vec![0; 4], 4).unwrap();
        assert!(matches!(metric.add(images(&[1, 2])), Err(MetricError::Width { expected: 4, found: 2 })));
        assert!(matches!(metric.scores(), Err(MetricError::NoImages)));
    }
}
