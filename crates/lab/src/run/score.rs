//! Scores of one row: Frechet distance and inception score of its samples, bits per dimension of its model.

use super::{RunError, Setup};
use crate::interrupt;
use crate::progress::Progress;
use crate::recipe::Extractor;
use crate::report::{BitsPerDim, ImageCounts, Scores};
use burn::tensor::{DType, Device, Tensor};
use undrift_data::Images;
use undrift_metrics::{
    ClassProbabilities, FashionFeatures, FeatureExtractor, GaussianStats, bound_of_data, frechet_distance,
    inception_score,
};
use undrift_networks::DdpmUnet;
use undrift_noise::{Key, Purpose};

/// Images per call of the extractor; no score depends on it.
const BATCH: usize = 250;

/// The extractor with the statistics of the reference images.
pub struct Reference {
    extractor: Box<dyn FeatureExtractor>,
    stats: GaussianStats,
    images: usize,
    splits: usize,
    device: Device,
}

impl Reference {
    /// Statistics of the reference images; `None` where the recipe asks for no scores.
    ///
    /// # Errors
    /// Those of the metric.
    pub fn new(setup: &Setup, images: &Images) -> Result<Option<Self>, RunError> {
        let extractor = match setup.settings.metrics.extractor {
            Extractor::None => return Ok(None),
            Extractor::FashionMnist => Box::new(FashionFeatures::new(&setup.device)?),
        };
        let (stats, _) = extract(&*extractor, images, &setup.device)?;
        let splits = setup.settings.metrics.splits;
        Ok(Some(Self { extractor, stats, images: images.len(), splits, device: setup.device.clone() }))
    }

    /// Scores of the first held-out images, as many as a row has samples where there are so many: a distance falls
    /// with the number of images, so that another number would not compare.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn score_held_out(&self, test: &Images, samples: usize) -> Result<(Scores, ImageCounts), RunError> {
        let first: Vec<usize> = (0..samples.min(test.len())).collect();
        let counts = ImageCounts { samples, reference: self.images, held_out: first.len() };
        Ok((self.score(&test.subset(&first)?)?, counts))
    }

    /// Scores of images.
    ///
    /// # Errors
    /// Those of the metrics: too few images, features that are not finite.
    pub fn score(&self, images: &Images) -> Result<Scores, RunError> {
        let (stats, probabilities) = extract(&*self.extractor, images, &self.device)?;
        let inception = inception_score(&probabilities, self.splits)?;
        Ok(Scores {
            frechet: frechet_distance(&stats, &self.stats)?,
            inception_score: inception.mean,
            inception_score_std: inception.std,
        })
    }
}

/// The distance's name, which is FID only for Inception features.
pub fn distance_name(extractor: Extractor) -> &'static str {
    match extractor {
        Extractor::FashionMnist => "FD (Fashion-MNIST features)",
        Extractor::None => "FD (not computed)",
    }
}

fn extract(
    extractor: &dyn FeatureExtractor,
    images: &Images,
    device: &Device,
) -> Result<(GaussianStats, ClassProbabilities), RunError> {
    let indices: Vec<usize> = (0..images.len()).collect();
    let mut seen: Option<(GaussianStats, ClassProbabilities)> = None;
    for part in indices.chunks(BATCH) {
        let extracted = extractor.extract(images.batch(part, &[], device, DType::F32));
        let widths = (extracted.features.dims()[1], extracted.probabilities.dims()[1]);
        let (stats, probabilities) =
            seen.get_or_insert_with(|| (GaussianStats::new(widths.0), ClassProbabilities::new(widths.1)));
        stats.push(extracted.features)?;
        probabilities.push(extracted.probabilities)?;
    }
    Ok(seen.unwrap_or_else(|| (GaussianStats::new(0), ClassProbabilities::new(0))))
}

/// Bits per dimension of the first test images; `None` where the recipe asks for none.
///
/// # Errors
/// [`RunError::Interrupted`] after Ctrl-C, and the metric's.
///
/// # Panics
/// With fewer test images than the recipe asks for, which [`Data::load`](super::Data::load) refuses.
pub fn bits_per_dim(
    setup: &Setup,
    network: &DdpmUnet,
    seed: u64,
    test: &Images,
    label: String,
) -> Result<Option<BitsPerDim>, RunError> {
    let count = setup.settings.metrics.bits_per_dim_images;
    if count == 0 {
        return Ok(None);
    }
    let mut progress = Progress::start(label, 0, count as u64);
    let indices: Vec<usize> = (0..count).collect();
    let mut done = 0;
    let batches = indices.chunks(setup.settings.sampling.batch).map_while(|part| {
        progress.at(done as u64, String::new);
        done += part.len();
        (!interrupt::requested()).then(|| test.batch(part, &[], &setup.device, DType::F32))
    });
    let batches: Box<dyn Iterator<Item = Tensor<4>>> = Box::new(batches);
    let key = Key::new(seed, Purpose::Evaluation);
    let bound = bound_of_data(&setup.clipped(network), setup.variance, &setup.chain.grid(), batches, key);
    if interrupt::requested() {
        return Err(RunError::Interrupted);
    }
    let bound = bound?;
    progress.at(count as u64, String::new);
    progress.finish(|| format!("{:.3} bits/dim", bound.total));
    Ok(Some(BitsPerDim {
        total: bound.total,
        rate: bound.rate,
        distortion: bound.distortion,
        prior: bound.prior,
        per_t: bound.per_t,
        rmse: bound.rmse,
        images: bound.images,
    }))
}
