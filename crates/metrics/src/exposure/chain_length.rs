//! How much error a longer chain accumulates.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels};
use undrift_losses::mix;
use undrift_noise::{Key, Noise, SampleNoise};
use undrift_samplers::{Solver, sample};
use undrift_schedules::{Grid, Level};

use crate::MetricError;

/// Real images with the noise of each of `starts`, sampled back from there: what a chain of each length makes of them.
///
/// The longer the chain, the further its results are from the data; whoever scores them, for instance by their
/// Frechet distance, sees the error accumulate (Ning et al. 2023, arXiv:2301.11706, where t0 is 100, 300, 500, 700
/// and 1000). For the authors' chains without posterior noise wrap the solver in
/// [`WithoutNoise`](undrift_samplers::WithoutNoise).
///
/// Lazy, one start after the other, in the order given. Row i is sample `first_sample + i` of `key`: draw 0 is the
/// noise of every start, the steps take the draws from 1 on.
///
/// # Shapes
/// `images` and each result: `[B, ..]`.
///
/// # Errors
/// An item is [`MetricError::NoImages`] without images, [`MetricError::Grid`] if no step of `grid` starts at this level, [`MetricError::Sample`] if the sampler
/// could not take a step; later items are not affected.
pub fn chain_lengths<'a, const D: usize>(
    model: &'a dyn Denoiser<D>,
    solver: &'a dyn Solver<D>,
    grid: &'a Grid,
    starts: &'a [Level],
    images: &'a Tensor<D>,
    first_sample: u64,
    key: Key,
) -> impl Iterator<Item = Result<(Level, Tensor<D>), MetricError>> + 'a {
    starts.iter().map(move |&start| {
        if images.dims()[0] == 0 {
            return Err(MetricError::NoImages);
        }
        let rest = grid.starting_at(start)?;
        let mut noise = SampleNoise::new(key, first_sample, images.dims()[0]);
        let eps = noise.normal(images);
        let x = mix(images.clone(), eps, &Levels::from(rest.start()));
        Ok((rest.start(), sample(model, solver, &rest, x, &mut noise)?))
    })
}
