//! Scores of one row: Frechet distance and inception score of its samples, bits per dimension of its model.

use crate::watch::silent;
use crate::{BitsPerDim, FurtherScore, ImageCounts, Plan, RunError, Scores, Watch};
use burn::tensor::{DType, Device, Tensor};
use undrift_data::Images;
use undrift_metrics::{
    Better, DataBound, FeatureExtractor, FeatureScores, Features, GaussianStats, Metric, MetricError,
};
use undrift_networks::{AnyNetwork, Condition};
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
        Reference::of(extractor, images, plan.scoring.splits, &plan.device).map(Some)
    }

    /// Statistics of these images under this extractor, on `device`; `splits` are those of the inception score.
    ///
    /// # Errors
    /// Those of the metric.
    pub fn of(
        extractor: Box<dyn FeatureExtractor>,
        images: &Images,
        splits: usize,
        device: &Device,
    ) -> Result<Self, RunError> {
        let mut features = Features::new(&*extractor);
        in_batches(images, device, |batch| features.add(batch))?;
        let (stats, _) = features.into_seen();
        Ok(Self { extractor, stats, images: images.len(), splits, device: device.clone() })
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
        let mut metric = FeatureScores::new(&*self.extractor, &self.stats, self.splits);
        in_batches(images, &self.device, |batch| metric.add(batch))?;
        let (frechet, inception) = metric.both()?;
        Ok(Scores { frechet, inception_score: inception.mean, inception_score_std: inception.std })
    }
}

/// The further scores that a row asks for, of some images; `train` are those that it is trained on.
///
/// # Errors
/// Those of the metrics.
pub fn further_scores(plan: &Plan, images: &Images, train: &Images) -> Result<Vec<FurtherScore>, RunError> {
    let mut all = Vec::new();
    for make in &plan.scoring.further {
        let mut metric = make(train, &plan.device)?;
        in_batches(images, &plan.device, |batch| metric.add(batch))?;
        all.extend(metric.scores()?.into_iter().map(|score| FurtherScore {
            name: score.name,
            value: score.value,
            higher_is_better: score.better == Better::Higher,
            unit: score.unit.to_owned(),
        }));
    }
    Ok(all)
}

/// Hands over all images, so many at a time.
fn in_batches(
    images: &Images,
    device: &Device,
    mut add: impl FnMut(Tensor<4>) -> Result<(), MetricError>,
) -> Result<(), MetricError> {
    let indices: Vec<usize> = (0..images.len()).collect();
    indices.chunks(BATCH).try_for_each(|part| add(images.batch(part, &[], device, DType::F32)))
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
    network: &AnyNetwork<4>,
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
    let (model, grid) = (plan.clipped(network, Condition::None), plan.chain.grid());
    let mut bound = DataBound::new(&model, plan.variance, &grid, Key::new(seed, Purpose::Evaluation));
    let indices: Vec<usize> = (0..count).collect();
    for part in indices.chunks(plan.sampling.batch) {
        progress.at(part[0] as u64, &silent);
        if watch.stop_requested() {
            return Err(RunError::Interrupted);
        }
        bound.add(test.batch(part, &[], &plan.device, DType::F32))?;
    }
    if watch.stop_requested() {
        return Err(RunError::Interrupted);
    }
    let bound = bound.mean()?;
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
