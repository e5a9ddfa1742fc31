//! Samples of one row: into memory, or appended to a file batch by batch.

use crate::appended::Appended;
use crate::watch::silent;
use crate::{Draw, Plan, RunError, Sampler, Watch, memory};
use std::path::Path;
use undrift_data::quantise;
use undrift_networks::AnyNetwork;
use undrift_noise::{Key, Purpose};

/// What became of a stage.
pub enum Drawn {
    /// All samples, as bytes 0..=255, NCHW.
    Samples(Vec<u8>),
    /// The model gave values that are not finite.
    NotFinite {
        /// Index of the first sample of the batch in which it happened.
        first: usize,
    },
}

/// Draws `plan.sampling.count` samples into `file`, going on where the file ends.
///
/// Sample i is a function of the weights, the seed and i alone.
///
/// # Errors
/// [`RunError::Interrupted`] when the watcher asks to stop (whole batches are kept), file errors, and the sampler's.
pub fn draw_to_file(
    plan: &Plan,
    network: &AnyNetwork<4>,
    seed: u64,
    file: &Path,
    label: String,
    watch: &dyn Watch,
) -> Result<Drawn, RunError> {
    let (count, batch) = (plan.sampling.count, plan.sampling.batch);
    check_memory(plan)?;
    let sampler = (plan.sampling.sampler)(plan)?;
    let mut out = Appended::open(file, plan.pixels(), |samples| whole_batches(samples, batch, count))?;
    let mut progress = watch.stage(label, out.done as u64, count as u64);
    while out.done < count {
        let size = batch.min(count - out.done);
        match draw(plan, network, seed, out.done as u64, size, &*sampler, watch)? {
            Some(bytes) => out.append(&bytes, size)?,
            None => return Ok(Drawn::NotFinite { first: out.done }),
        }
        progress.at(out.done as u64, &silent);
    }
    progress.finish(&silent);
    out.read(count).map(Drawn::Samples)
}

/// Draws the samples `first .. first + count` as bytes 0..=255, NCHW; `None` if a value is not finite.
///
/// # Errors
/// [`RunError::Interrupted`] when the watcher asks to stop, and the sampler's.
pub fn draw(
    plan: &Plan,
    network: &AnyNetwork<4>,
    seed: u64,
    first: u64,
    count: usize,
    sampler: &dyn Sampler,
    watch: &dyn Watch,
) -> Result<Option<Vec<u8>>, RunError> {
    let model = sampler.denoiser(Box::new(plan.belief(network, first, count)))?;
    let (solver, grid, shape) = (sampler.solver(), sampler.grid(), plan.data.shape);
    let draw = Draw { model: &*model, solver, grid, shape, start_scale: 1.0, device: &plan.device };
    let x = draw.samples(Key::new(seed, Purpose::Sampling), first, count, watch, &mut || {})?;
    Ok(quantise(x).ok())
}

/// Draws `plan.sampling.count` samples as bytes 0..=255, NCHW; `None` if a value is not finite.
///
/// # Errors
/// [`RunError::Interrupted`] when the watcher asks to stop, and the sampler's.
pub fn draw_all(
    plan: &Plan,
    network: &AnyNetwork<4>,
    seed: u64,
    sampler: &dyn Sampler,
    label: String,
    watch: &dyn Watch,
) -> Result<Option<Vec<u8>>, RunError> {
    let (count, batch) = (plan.sampling.count, plan.sampling.batch);
    check_memory(plan)?;
    let mut bytes = Vec::with_capacity(count * plan.pixels());
    let mut progress = watch.stage(label, 0, count as u64);
    for first in (0..count).step_by(batch) {
        let size = batch.min(count - first);
        let Some(part) = draw(plan, network, seed, first as u64, size, sampler, watch)? else { return Ok(None) };
        bytes.extend(part);
        progress.at((first + size) as u64, &silent);
    }
    progress.finish(&silent);
    Ok(Some(bytes))
}

/// Refuses more samples than memory can hold, all of them as bytes or a batch of them as numbers.
fn check_memory(plan: &Plan) -> Result<(), RunError> {
    let (sampling, pixels) = (&plan.sampling, plan.pixels());
    let at_once = sampling.batch.min(sampling.count);
    for (what, needed) in [
        (format!("{} samples", sampling.count), memory::bytes(sampling.count, pixels)),
        (format!("a batch of {at_once} samples"), memory::bytes(at_once, pixels.saturating_mul(size_of::<f32>()))),
    ] {
        let total = memory::total();
        if needed > total {
            return Err(RunError::TooLarge { what, needed: memory::said(needed), total: memory::said(total) });
        }
    }
    Ok(())
}

/// Samples of a file that are kept: whole batches, so that a resumed run draws the batches of an uninterrupted one.
fn whole_batches(samples: usize, batch: usize, count: usize) -> usize {
    if samples >= count { count } else { samples - samples % batch }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partly_written_batch_is_drawn_again() {
        assert_eq!([0, 6, 7, 13, 14, 20, 25].map(|samples| whole_batches(samples, 7, 20)), [0, 0, 7, 7, 14, 20, 20]);
    }
}
