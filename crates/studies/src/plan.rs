//! One row of an experiment as values.

use crate::sampler::Sampler;
use crate::{Conditioning, RunError, WeightSet};
use burn::tensor::Device;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use undrift_data::{DataError, Flips, Images, Split};
use undrift_denoisers::{ClipX0, Denoiser, OutputVariance, Parameterisation, Preconditioned, Variance};
use undrift_losses::{LossError, Objective};
use undrift_metrics::{FeatureExtractor, Metric, MetricError};
use undrift_networks::{AnyNetwork, Architecture, Condition};
use undrift_schedules::Chain;
use undrift_training::{Conditioned, Optimisation};

/// All that one row is: what is trained on what, how it is sampled and how it is scored.
pub struct Plan {
    /// Its id, also the name of its folder.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// The forward process.
    pub chain: Chain,
    /// What the network's output means.
    pub parameterisation: Box<dyn Parameterisation>,
    /// The variance of reverse steps.
    pub variance: Variance,
    /// What the second half of the network's channels is.
    pub output_variance: OutputVariance,
    /// Makes what training minimises, before its first batch.
    pub objective: MakeObjective,
    /// The network.
    pub network: Box<dyn Architecture>,
    /// What the network is told beside the noised image.
    pub conditioning: Conditioning,
    /// The images.
    pub data: DataSource,
    /// How it is trained.
    pub training: Training,
    /// How it is sampled.
    pub sampling: Sampling,
    /// How it is scored.
    pub scoring: Scoring,
    /// What its checkpoints say of themselves beside what going on needs, by name.
    pub notes: BTreeMap<String, String>,
    /// How samples are shown.
    pub picture: Picture,
    /// Where tensors live; without autodiff.
    pub device: Device,
}

/// Makes what training minimises, before its first batch.
pub type MakeObjective = Box<dyn Fn() -> Result<Box<dyn Objective<4>>, LossError>>;

/// Where the images of a row come from.
pub struct DataSource {
    /// What they are: sources that agree here give the same images.
    pub identity: String,
    /// Where they are read from, for messages.
    pub from: PathBuf,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Reads one split.
    pub read: Box<dyn Fn(Split) -> Result<Images, DataError>>,
}

/// How a row is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Optimiser steps.
    pub steps: u64,
    /// Images per step.
    pub batch: usize,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between recorded losses; a record is the mean of the losses since the last one.
    pub log_every: u64,
    /// How images are flipped.
    pub flips: Flips,
    /// Optimiser, warm-up, clipping and moving average.
    pub optimisation: Optimisation,
}

/// How a row is sampled.
pub struct Sampling {
    /// Samples per seed and set of weights.
    pub count: usize,
    /// Samples drawn at a time; no sample depends on it.
    pub batch: usize,
    /// Sets of weights that are sampled and scored.
    pub weights: Vec<WeightSet>,
    /// Makes the sampler for the plan that it is a part of; it may be refused.
    pub sampler: MakeSampler,
}

/// Makes the sampler of a plan.
pub type MakeSampler = Box<dyn Fn(&Plan) -> Result<Box<dyn Sampler>, RunError>>;

/// How a row is scored.
pub struct Scoring {
    /// What makes features and classes of images; none for no scores of samples.
    pub extractor: Option<Extractor>,
    /// Splits of the inception score.
    pub splits: usize,
    /// Makes further scores of samples.
    pub further: Vec<MakeMetric>,
    /// Held-out images whose bits per dimension are computed; 0 for none.
    pub bits_per_dim_images: usize,
}

/// Makes a score of samples, which may look at the images that the row is trained on.
pub type MakeMetric = Box<dyn Fn(&Images, &Device) -> Result<Box<dyn Metric>, MetricError>>;

/// A feature extractor to be made.
#[derive(Clone, Copy)]
pub struct Extractor {
    /// The bytes of its weights, which tell one from another.
    pub weights: &'static [u8],
    /// Makes it.
    pub build: fn(&Device) -> Result<Box<dyn FeatureExtractor>, MetricError>,
}

/// Makes a picture file of images as bytes 0..=255, NCHW, of these channels, height and width.
pub type Picture = fn(&[u8], [usize; 3]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

impl Plan {
    /// The trained network as a belief about x0, of the samples `first .. first + count`; wrappers and clipping are the
    /// sampler's.
    pub fn belief<'a>(&'a self, network: &'a AnyNetwork<4>, first: u64, count: usize) -> impl Denoiser<4> + 'a {
        self.told(network, self.conditioning.of_samples(first, count))
    }

    /// The trained network as a belief about x0, told this of a batch.
    pub fn told<'a>(&'a self, network: &'a AnyNetwork<4>, condition: Condition) -> impl Denoiser<4> + 'a {
        Preconditioned {
            network: Conditioned::new(network, condition),
            parameterisation: &self.parameterisation,
            variance: self.output_variance,
        }
    }

    /// That belief clipped to [-1, 1], as the bound uses it.
    pub fn clipped<'a>(&'a self, network: &'a AnyNetwork<4>, condition: Condition) -> impl Denoiser<4> + 'a {
        ClipX0(self.told(network, condition))
    }

    /// Values per image.
    pub fn pixels(&self) -> usize {
        self.data.shape.iter().product()
    }

    /// The first `most` of some images as a picture.
    ///
    /// # Errors
    /// [`RunError::Picture`].
    pub fn shown(&self, images: &[u8], most: usize) -> Result<Vec<u8>, RunError> {
        let end = images.len().min(most * self.pixels());
        (self.picture)(&images[..end], self.data.shape).map_err(RunError::Picture)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use undrift_denoisers::Eps;
    use undrift_losses::{Plain, Simple, Weighting};
    use undrift_networks::DdpmUnetConfig;
    use undrift_samplers::{Ancestral, Solver};
    use undrift_schedules::Grid;

    /// DDPM's ancestral sampler over a whole chain, clipped.
    struct Ddpm(Grid, Ancestral);

    impl Sampler for Ddpm {
        fn grid(&self) -> &Grid {
            &self.0
        }

        fn solver(&self) -> &dyn Solver<4> {
            &self.1
        }

        fn denoiser<'a>(&self, network: Box<dyn Denoiser<4> + 'a>) -> Result<Box<dyn Denoiser<4> + 'a>, RunError> {
            Ok(Box::new(ClipX0(network)))
        }
    }

    /// A small row that learns these grey images of 16x16 (eps, L_simple, fixed-large).
    pub(crate) fn small(id: &str, pixels: &[u8]) -> Plan {
        let chain = Chain::linear_scaled(50).unwrap();
        let (grid, pixels) = (chain.grid(), pixels.to_vec());
        let network = DdpmUnetConfig {
            in_channels: 1,
            out_channels: 1,
            image_size: 16,
            blocks: 1,
            attention: vec![],
            groups: 8,
            dropout: 0.0,
            ..DdpmUnetConfig::cifar10().with_multiples(8, &[1, 2])
        };
        Plan {
            id: id.to_owned(),
            label: id.to_owned(),
            chain,
            parameterisation: Box::new(Eps),
            variance: Variance::FixedLarge,
            output_variance: OutputVariance::None,
            objective: Box::new(|| Ok(Box::new(Simple { corruption: Plain, weighting: Weighting::Uniform }))),
            network: Box::new(network),
            conditioning: Conditioning::None,
            data: DataSource {
                identity: format!("{pixels:?}"),
                from: "memory".into(),
                shape: [1, 16, 16],
                read: Box::new(move |_| Images::new(pixels.clone(), vec![0; pixels.len() / 256], [1, 16, 16])),
            },
            training: Training {
                steps: 4,
                batch: 2,
                checkpoint_every: 3,
                log_every: 3,
                flips: Flips::None,
                optimisation: Optimisation::constant(1e-3),
            },
            sampling: Sampling {
                count: 3,
                batch: 2,
                weights: vec![WeightSet::Ema, WeightSet::Raw],
                sampler: Box::new(move |_| {
                    Ok(Box::new(Ddpm(grid.clone(), Ancestral { variance: Variance::FixedLarge })))
                }),
            },
            scoring: Scoring { extractor: None, splits: 1, further: Vec::new(), bits_per_dim_images: 1 },
            notes: BTreeMap::from([("about".to_owned(), "small".to_owned())]),
            picture: |bytes, _| Ok(bytes.to_vec()),
            device: Device::flex(),
        }
    }
}
