//! Scores of one row: Frechet distance and inception score of its samples, bits per dimension of its model.

use crate::network::RowNetwork;
use crate::watch::silent;
use crate::{BitsPerDim, ImageCounts, Plan, RunError, Scores, Watch};
use burn::tensor::{DType, Device, Tensor};
use undrift_data::Images;
use undrift_metrics::{
    ClassProbabilities, FeatureExtractor, GaussianStats, bound_of_data, frechet_distance, inception_score,
};
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
    /// Statistics of the reference images; `None` where the row asks for no scores.
    ///
    /// # Errors
    /// Those of the metric.
    pub fn new(plan: &Plan, images: &Images) -> Result<Option<Self>, RunError> {
        let Some(extractor) = &plan.scoring.extractor else { return Ok(None) };
        let extractor = (extractor.build)(&plan.device)?;
        let (stats, _) = extract(&*extractor, images, &plan.device)?;
        let splits = plan.scoring.splits;
        Ok(Some(Self { extractor, stats, images: images.len(), splits, device: plan.device.clone() }))
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

/// Bits per dimension of the first held-out images; `None` where the row asks for none.
///
/// # Errors
/// [`RunError::Interrupted`] when the watcher asks to stop, and the metric's.
///
/// # Panics
/// With fewer held-out images than the row asks for, which [`Data::load`](crate::Data::load) refuses.
pub fn bits_per_dim(
    plan: &Plan,
    network: &RowNetwork,
    seed: u64,
    test: &Images,
    label: String,
    watch: &dyn Watch,
) -> Result<Option<BitsPerDim>, RunError> {
    let count = plan.scoring.bits_per_dim_images;
    if count == 0 {
        return Ok(None);
    }
    let mut progress = watch.stage(label, 0, count as u64);
    let indices: Vec<usize> = (0..count).collect();
    let mut done = 0;
    let batches = indices.chunks(plan.sampling.batch).map_while(|part| {
        progress.at(done as u64, &silent);
        done += part.len();
        (!watch.stop_requested()).then(|| test.batch(part, &[], &plan.device, DType::F32))
    });
    let batches: Box<dyn Iterator<Item = Tensor<4>>> = Box::new(batches);
    let key = Key::new(seed, Purpose::Evaluation);
    let bound = bound_of_data(&plan.clipped(network), plan.variance, &plan.chain.grid(), batches, key);
    if watch.stop_requested() {
        return Err(RunError::Interrupted);
    }
    let bound = bound?;
    progress.at(count as u64, &silent);
    progress.finish(&|| format!("{:.3} bits/dim", bound.total));
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
