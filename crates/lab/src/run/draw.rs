//! Samples of one row, appended to a file batch by batch.

use super::{RunError, Setup};
use crate::interrupt;
use crate::memory;
use crate::methods::Sampler;
use crate::progress::Progress;
use crate::recipe::WeightSet;
use burn::tensor::{DType, Tensor};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use undrift_data::quantise;
use undrift_networks::DdpmUnet;
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::steps;

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

/// Draws `setup.settings.sampling.count` samples into `file`, going on where the file ends.
///
/// Sample i is a function of the weights, the seed and i alone.
///
/// # Errors
/// [`RunError::Interrupted`] after Ctrl-C (whole batches are kept), file errors, and the sampler's.
pub fn draw_to_file(
    setup: &Setup,
    network: &DdpmUnet,
    seed: u64,
    file: &Path,
    label: String,
) -> Result<Drawn, RunError> {
    let (count, batch) = (setup.settings.sampling.count, setup.settings.sampling.batch);
    check_memory(setup)?;
    let sampler = setup.sampler(&setup.settings.sampling.sampler)?;
    let mut out = Appended::open(file, setup.pixels(), |samples| whole_batches(samples, batch, count))?;
    let mut progress = Progress::start(label, out.done as u64, count as u64);
    while out.done < count {
        let size = batch.min(count - out.done);
        match draw(setup, network, seed, out.done as u64, size, &sampler)? {
            Some(bytes) => out.append(&bytes, size)?,
            None => return Ok(Drawn::NotFinite { first: out.done }),
        }
        progress.at(out.done as u64, String::new);
    }
    progress.finish(String::new);
    out.read(count).map(Drawn::Samples)
}

/// Draws the samples `first .. first + count`; `None` if a value is not finite.
///
/// # Errors
/// [`RunError::Interrupted`] after Ctrl-C, and the sampler's.
pub fn draw(
    setup: &Setup,
    network: &DdpmUnet,
    seed: u64,
    first: u64,
    count: usize,
    sampler: &Sampler,
) -> Result<Option<Vec<u8>>, RunError> {
    let [channels, height, width] = setup.shape;
    let like = Tensor::<4>::zeros([count, channels, height, width], (&setup.device, DType::F32));
    let mut noise = SampleNoise::new(Key::new(seed, Purpose::Sampling), first, count);
    let start = noise.normal(&like);
    let model = sampler.denoiser(Box::new(setup.belief(network)))?;
    let mut last = None;
    for step in steps(&*model, sampler.solver(), sampler.grid(), start, &mut noise) {
        last = Some(step?.x);
        if interrupt::requested() {
            return Err(RunError::Interrupted);
        }
    }
    Ok(last.and_then(|x| quantise(x).ok()))
}

/// Draws `setup.settings.sampling.count` samples; `None` if a value is not finite.
///
/// # Errors
/// [`RunError::Interrupted`] after Ctrl-C, and the sampler's.
pub fn draw_all(
    setup: &Setup,
    network: &DdpmUnet,
    seed: u64,
    sampler: &Sampler,
    label: String,
) -> Result<Option<Vec<u8>>, RunError> {
    let (count, batch) = (setup.settings.sampling.count, setup.settings.sampling.batch);
    check_memory(setup)?;
    let mut bytes = Vec::with_capacity(count * setup.pixels());
    let mut progress = Progress::start(label, 0, count as u64);
    for first in (0..count).step_by(batch) {
        let size = batch.min(count - first);
        let Some(part) = draw(setup, network, seed, first as u64, size, sampler)? else { return Ok(None) };
        bytes.extend(part);
        progress.at((first + size) as u64, String::new);
    }
    progress.finish(String::new);
    Ok(Some(bytes))
}

/// Refuses more samples than memory can hold, all of them as bytes or a batch of them as numbers.
fn check_memory(setup: &Setup) -> Result<(), RunError> {
    let (sampling, pixels) = (&setup.settings.sampling, setup.pixels());
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

/// A file of samples of equal size.
struct Appended<'a> {
    path: &'a Path,
    file: File,
    size: usize,
    done: usize,
}

impl<'a> Appended<'a> {
    /// Opens or creates it, and cuts off what lies beyond the `kept` of its samples.
    fn open(path: &'a Path, size: usize, kept: impl FnOnce(usize) -> usize) -> Result<Self, RunError> {
        let failed = |source| RunError::Io { doing: "open", path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let done = kept(file.metadata().map_err(failed)?.len() as usize / size);
        file.set_len((done * size) as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { path, file, size, done })
    }

    fn append(&mut self, bytes: &[u8], samples: usize) -> Result<(), RunError> {
        self.file.write_all(bytes).and_then(|()| self.file.sync_data()).map_err(|source| RunError::Io {
            doing: "write",
            path: self.path.to_owned(),
            source,
        })?;
        self.done += samples;
        Ok(())
    }

    fn read(mut self, count: usize) -> Result<Vec<u8>, RunError> {
        let mut bytes = vec![0; count * self.size];
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| RunError::Io { doing: "read", path: self.path.to_owned(), source })?;
        Ok(bytes)
    }
}

/// The name of a weight set in labels.
pub(super) fn weight_name(weights: WeightSet) -> &'static str {
    match weights {
        WeightSet::Ema => "EMA",
        WeightSet::Raw => "raw",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partly_written_batch_is_drawn_again() {
        assert_eq!([0, 6, 7, 13, 14, 20, 25].map(|samples| whole_batches(samples, 7, 20)), [0, 0, 7, 7, 14, 20, 20]);
    }
}
