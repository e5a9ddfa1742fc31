//! All measures of exposure bias of one sampler, in one pass over real images.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels};
use undrift_losses::mix;
use undrift_noise::{Key, Noise, SampleNoise};
use undrift_samplers::{Solver, steps};
use undrift_schedules::Grid;

use super::delta_t::{DeltaPoint, DeltaT};
use super::eps_norm::{EpsNorm, EpsNormPoint};
use super::host;
use super::marginal_delta::MarginalDelta;
use super::pixel_stats::PixelStats;
use super::x0_error::{X0Error, X0ErrorPoint};
use crate::MetricError;

/// The exposure bias of one sampler, level by level, noisiest first.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureCurves {
    /// Chains measured, one for each real image.
    pub images: u64,
    /// [`DeltaT`] along the chain (the authors' "multi-step" or "consecutive").
    pub paired: Vec<DeltaPoint>,
    /// [`DeltaT`] after a single step from the forward process (the authors' "single-step" or "each step").
    ///
    /// There is none at the first level, where no step ends.
    pub one_step: Vec<DeltaPoint>,
    /// [`MarginalDelta`] against samples of the forward process, with the chain's images and noise.
    pub marginal: Vec<DeltaPoint>,
    /// [`MarginalDelta`] against the closed form.
    pub marginal_closed_form: Vec<DeltaPoint>,
    /// The norm of eps along the chain and on the forward process.
    pub eps_norm: Vec<EpsNormPoint>,
    /// The error of the predicted x0 on the forward process.
    pub x0_error: Vec<X0ErrorPoint>,
    /// Standard deviation of the finished samples for each pixel, averaged; in VP units if the grid ends at a level.
    pub sample_std: f64,
    /// The same of the real images.
    pub data_std: f64,
}

/// Measures the exposure bias of a sampler on real images, streamed batch by batch.
///
/// `model` is what the chain asks, with all its wrappers. `trained` is what the forward process is held against:
/// the network as it was trained, without the cure that is being measured (the same as `model` if there is none).
/// Image i of the stream is sample `first_sample + i` of `key`: see [`ExposureBias`] for its random numbers.
/// Each level costs one step of the solver on each of the two sides.
///
/// Ning et al. 2024, arXiv:2308.15321: the metric delta_t, and the norms of eps in training and sampling.
///
/// # Shapes
/// `batches`: `[B, ..]` real images; B may differ from batch to batch and changes nothing.
///
/// # Errors
/// [`MetricError::NoImages`] without images, [`MetricError::NotFinite`] where a chain has diverged, and
/// [`MetricError::Sample`] where a model has no belief that the solver needs.
pub fn exposure_curves<const D: usize>(
    model: &dyn Denoiser<D>,
    trained: &dyn Denoiser<D>,
    solver: &dyn Solver<D>,
    grid: &Grid,
    batches: impl IntoIterator<Item = Tensor<D>>,
    first_sample: u64,
    key: Key,
) -> Result<ExposureCurves, MetricError> {
    let mut bias = ExposureBias::new(grid);
    for images in batches.into_iter().filter(|images| images.dims()[0] > 0) {
        let sample = first_sample.wrapping_add(bias.images());
        bias.add_chain(model, solver, &images, sample, key)?;
        bias.add_forward(trained, solver, &images, sample, key)?;
    }
    bias.curves()
}

/// What [`exposure_curves`] accumulates; the two sides may be filled apart, in batches, and merged.
///
/// Draw 0 of a sample is the noise of its forward process at every level, so that the chain starts from the very
/// state that the forward process has there; the steps take the draws from 1 on, each of the single steps from 1.
/// An error leaves a batch half counted: start anew.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureBias {
    grid: Grid,
    paired: DeltaT,
    one_step: DeltaT,
    marginal: MarginalDelta,
    eps_norm: EpsNorm,
    x0_error: X0Error,
    finished: PixelStats,
}

impl ExposureBias {
    /// Nothing measured yet, on the levels of `grid`.
    pub fn new(grid: &Grid) -> Self {
        ExposureBias {
            grid: grid.clone(),
            paired: DeltaT::paired(grid),
            one_step: DeltaT::paired(grid),
            marginal: MarginalDelta::new(grid),
            eps_norm: EpsNorm::new(grid),
            x0_error: X0Error::new(grid),
            finished: PixelStats::default(),
        }
    }

    /// Chains measured so far.
    pub fn images(&self) -> u64 {
        self.finished.count()
    }

    /// Adds one chain for each image: from the image with the grid's first noise down to the grid's end.
    ///
    /// # Shapes
    /// `images`: `[B, ..]`; row i is sample `first_sample + i` of `key`.
    ///
    /// # Errors
    /// [`MetricError::Sample`], [`MetricError::NotFinite`], [`MetricError::Width`].
    pub fn add_chain<const D: usize>(
        &mut self,
        model: &dyn Denoiser<D>,
        solver: &dyn Solver<D>,
        images: &Tensor<D>,
        first_sample: u64,
        key: Key,
    ) -> Result<(), MetricError> {
        let mut noise = SampleNoise::new(key, first_sample, images.dims()[0]);
        let eps = noise.normal(images);
        let mut x = mix(images.clone(), eps, &Levels::from(self.grid.start()));
        for (index, step) in steps(model, solver, &self.grid, x.clone(), &mut noise).enumerate() {
            let step = step?;
            self.paired.add(index, &x, images)?;
            self.marginal.add_chain(index, &x)?;
            self.eps_norm.add_sampling(index, &step.prediction.eps())?;
            x = step.x;
        }
        if self.grid.end().is_some() {
            self.paired.add(self.grid.steps(), &x, images)?;
            self.marginal.add_chain(self.grid.steps(), &x)?;
        }
        self.finish(&x)
    }

    /// Adds the forward process of each image at every level, and a single step from there.
    ///
    /// A multistep solver takes its single steps without a past.
    ///
    /// # Shapes
    /// As [`add_chain`](Self::add_chain).
    ///
    /// # Errors
    /// As [`add_chain`](Self::add_chain).
    pub fn add_forward<const D: usize>(
        &mut self,
        trained: &dyn Denoiser<D>,
        solver: &dyn Solver<D>,
        images: &Tensor<D>,
        first_sample: u64,
        key: Key,
    ) -> Result<(), MetricError> {
        let mut noise = SampleNoise::new(key, first_sample, images.dims()[0]);
        let eps: Tensor<D> = noise.normal(images);
        let at = |level| mix(images.clone(), eps.clone(), &Levels::from(level));
        self.marginal.add_data(images)?;
        for (index, span) in self.grid.spans().iter().enumerate() {
            let x = at(span.from());
            self.marginal.add_forward(index, &x)?;
            let step = solver.step(trained, x, span, &[], &mut noise.clone())?;
            self.eps_norm.add_training(index, &step.prediction.eps())?;
            self.x0_error.add(index, images, &step.prediction.x0())?;
            if span.to().is_some() {
                self.one_step.add(index + 1, &step.x, images)?;
            }
        }
        match self.grid.end() {
            Some(end) => self.marginal.add_forward(self.grid.steps(), &at(end)),
            None => Ok(()),
        }
    }

    /// Adds what `other` measured on other images, as if they came after these.
    ///
    /// # Errors
    /// [`MetricError::OtherLevels`] or [`MetricError::Width`] for another grid or image size.
    pub fn merge(&mut self, other: &ExposureBias) -> Result<(), MetricError> {
        self.paired.merge(&other.paired)?;
        self.one_step.merge(&other.one_step)?;
        self.marginal.merge(&other.marginal)?;
        self.eps_norm.merge(&other.eps_norm)?;
        self.x0_error.merge(&other.x0_error)?;
        self.finished.merge(&other.finished)
    }

    /// The curves so far.
    ///
    /// # Errors
    /// [`MetricError::NoImages`] unless both sides have seen images.
    pub fn curves(&self) -> Result<ExposureCurves, MetricError> {
        Ok(ExposureCurves {
            images: self.images(),
            paired: self.paired.curve()?,
            one_step: self.one_step.curve()?,
            marginal: self.marginal.against_forward()?,
            marginal_closed_form: self.marginal.against_closed_form()?,
            eps_norm: self.eps_norm.curve(),
            x0_error: self.x0_error.curve()?,
            sample_std: self.finished.mean_std()?,
            data_std: self.marginal.data_std()?,
        })
    }

    fn finish<const D: usize>(&mut self, x: &Tensor<D>) -> Result<(), MetricError> {
        let (mut x, width) = host(x)?;
        if let Some(end) = self.grid.end() {
            x.iter_mut().for_each(|x| *x /= end.scale());
        }
        self.finished.push(&x, width)
    }
}
