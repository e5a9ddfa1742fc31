//! Frechet distance and inception score of images under one extractor.

use crate::{
    Better, ClassProbabilities, FeatureExtractor, GaussianStats, InceptionScore, Metric, MetricError, Score,
    frechet_distance, inception_score,
};
use burn::tensor::Tensor;

/// What an extractor has seen of images that were streamed through it.
#[derive(Clone)]
pub struct Features<'a> {
    extractor: &'a dyn FeatureExtractor,
    seen: Option<(GaussianStats, ClassProbabilities)>,
}

impl<'a> Features<'a> {
    /// An extractor that has seen nothing yet.
    pub fn new(extractor: &'a dyn FeatureExtractor) -> Self {
        Features { extractor, seen: None }
    }

    /// Adds images.
    ///
    /// # Shapes
    /// `images`: `[B, C, H, W]`, as the extractor takes them
    ///
    /// # Errors
    /// [`MetricError`] for features or probabilities that are not finite.
    pub fn add(&mut self, images: Tensor<4>) -> Result<(), MetricError> {
        let extracted = self.extractor.extract(images);
        let widths = (extracted.features.dims()[1], extracted.probabilities.dims()[1]);
        let (stats, probabilities) =
            self.seen.get_or_insert_with(|| (GaussianStats::new(widths.0), ClassProbabilities::new(widths.1)));
        stats.push(extracted.features)?;
        probabilities.push(extracted.probabilities)
    }

    /// Statistics of the features, and the class probabilities of every image.
    pub fn into_seen(self) -> (GaussianStats, ClassProbabilities) {
        self.seen.unwrap_or_else(|| (GaussianStats::new(0), ClassProbabilities::new(0)))
    }
}

/// Frechet distance to reference images, and inception score, of images that are streamed in.
#[derive(Clone)]
pub struct FeatureScores<'a> {
    features: Features<'a>,
    reference: &'a GaussianStats,
    splits: usize,
}

impl<'a> FeatureScores<'a> {
    /// No images yet; `reference` are statistics of the same extractor, and `splits` those of the inception score.
    pub fn new(extractor: &'a dyn FeatureExtractor, reference: &'a GaussianStats, splits: usize) -> Self {
        FeatureScores { features: Features::new(extractor), reference, splits }
    }

    /// The distance and the inception score.
    ///
    /// # Errors
    /// As [`inception_score`] and [`frechet_distance`].
    pub fn both(&self) -> Result<(f64, InceptionScore), MetricError> {
        let (stats, probabilities) = self.features.clone().into_seen();
        let inception = inception_score(&probabilities, self.splits)?;
        Ok((frechet_distance(&stats, self.reference)?, inception))
    }
}

impl Metric for FeatureScores<'_> {
    fn add(&mut self, images: Tensor<4>) -> Result<(), MetricError> {
        self.features.add(images)
    }

    fn scores(&self) -> Result<Vec<Score>, MetricError> {
        let (distance, inception) = self.both()?;
        let name = format!("Frechet distance ({})", self.features.extractor.name());
        Ok(vec![
            Score { name, value: distance, spread: None, better: Better::Lower, unit: "" },
            Score {
                name: "inception score".to_owned(),
                value: inception.mean,
                spread: Some(inception.std),
                better: Better::Higher,
                unit: "",
            },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Extracted;
    use burn::tensor::activation::softmax;
    use burn::tensor::{DType, Device, TensorData};

    /// Features are the pixels of a line of three, classes their softmax.
    struct Pixels;

    impl FeatureExtractor for Pixels {
        fn name(&self) -> &str {
            "pixels"
        }

        fn extract(&self, images: Tensor<4>) -> Extracted {
            let features: Tensor<2> = images.flatten(1, 3);
            Extracted { probabilities: softmax(features.clone(), 1), features }
        }
    }

    fn images(first: usize, count: usize) -> Tensor<4> {
        let pixel = |i: usize| f64::from((i * i * 37 % 256) as u8) / 127.5 - 1.0;
        let pixels: Vec<f64> = (first * 3..(first + count) * 3).map(pixel).collect();
        Tensor::from_data(TensorData::new(pixels, [count, 1, 1, 3]), (&Device::flex(), DType::F64))
    }

    #[test]
    fn scores_say_what_they_are_and_do_not_depend_on_batches() {
        let mut reference = Features::new(&Pixels);
        reference.add(images(40, 30)).unwrap();
        let (reference, _) = reference.into_seen();
        let scores = |sizes: &[usize]| {
            let (mut metric, mut first) = (FeatureScores::new(&Pixels, &reference, 2), 0);
            for &size in sizes {
                metric.add(images(first, size)).unwrap();
                first += size;
            }
            metric.scores().unwrap()
        };
        let whole = scores(&[20]);
        assert_eq!(whole, scores(&[3, 0, 17]));
        assert_eq!(whole[0].name, "Frechet distance (pixels)");
        assert_eq!([whole[0].better, whole[1].better], [Better::Lower, Better::Higher]);
        assert!(whole[0].value > 0.0 && whole[1].value > 1.0 && whole[1].spread.unwrap() > 0.0);
    }

    #[test]
    fn no_images_have_no_scores() {
        assert!(FeatureScores::new(&Pixels, &GaussianStats::new(3), 1).scores().is_err());
    }
}
