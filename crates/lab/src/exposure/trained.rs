//! One trained row and seed of a study, and the scores of samplers on it.

use super::ExposureSettings;
use super::book::Book;
use crate::methods::{Method, SamplerSettings};
use crate::report::Scores;
use crate::run::{
    Cell, Data, Reference, RunDirectory, RunError, Setup, Trained, Watch, WeightSet, draw, draw_all, train,
    write_atomically,
};
use burn::tensor::DType;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use undrift_data::{Images, quantise};
use undrift_metrics::chain_lengths;
use undrift_networks::{AnyNetwork, Condition};
use undrift_noise::{Key, Purpose};

/// What one sampler came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scored {
    /// Scores; `None` where samples are not finite.
    pub scores: Option<Scores>,
    /// Seconds spent in drawing.
    pub seconds: f64,
    /// Commit of the program that drew them.
    #[serde(default)]
    pub commit: String,
}

/// A trained row and seed.
pub(super) struct TrainedRow<'a> {
    pub(super) setup: &'a Setup,
    pub(super) network: AnyNetwork<4>,
    pub(super) seed: u64,
    pub(super) row: String,
    pub(super) label: String,
    pub(super) name: String,
    pub(super) cell: Cell,
    data: &'a Data,
    book: Book,
    commit: String,
    pub(super) watch: &'a dyn Watch,
}

/// Pictures are of so many samples, eight in a line, each pixel doubled.
const SHOWN: usize = 64;

impl<'a> TrainedRow<'a> {
    /// Trains the row with this seed, or reads its finished training; in words why there is none if it diverged.
    pub(super) fn new(
        directory: &RunDirectory,
        setup: &'a Setup,
        data: &'a Data,
        seed: u64,
        commit: &str,
        watch: &'a dyn Watch,
    ) -> Result<Result<Self, String>, RunError> {
        let cell = directory.cell(&setup.id, seed);
        cell.create()?;
        let name = format!("{} seed {seed}", setup.id);
        let network = match train(setup, seed, &data.train, &cell, format!("{name}: train"), watch)? {
            Trained::Diverged(why) => return Ok(Err(why)),
            Trained::Finished(trainer) => match setup.settings.sampling.weights.first() {
                Some(WeightSet::Raw) => trainer.raw(),
                _ => trainer.averaged(),
            },
        };
        let book = Book::open(&cell, cell.scores())?;
        let (row, label) = (setup.id.clone(), setup.label.clone());
        Ok(Ok(TrainedRow {
            row,
            label,
            setup,
            network,
            seed,
            name,
            cell,
            data,
            book,
            commit: commit.to_owned(),
            watch,
        }))
    }

    /// The scores of a sampler, drawn with the row's own seed.
    pub(super) fn scores(&mut self, sampler: &SamplerSettings) -> Result<Scored, RunError> {
        let (setup, network, seed) = (self.setup, &self.network, self.seed);
        let (data, cell, commit, watch) = (self.data, &self.cell, &self.commit, self.watch);
        let scored = |scores, seconds| Scored { scores, seconds, commit: commit.clone() };
        let label = format!("{}: {}", self.name, sampler.text());
        self.book.look_up(&sampler.text(), || {
            let started = Instant::now();
            let bytes = draw_all(setup, network, seed, &setup.sampler(sampler)?, label, watch)?;
            let seconds = started.elapsed().as_secs_f64();
            let Some(bytes) = bytes else { return Ok(scored(None, seconds)) };
            let Some(reference) = &data.reference else {
                write_atomically(&cell.samples_of(&sampler.text()), &bytes)?;
                return Ok(scored(None, seconds));
            };
            Ok(scored(Some(score(setup, reference, bytes)?), seconds))
        })
    }

    /// The scores of real images that were noised to `t0` and sampled back over every level below.
    pub(super) fn chain_scores(&mut self, solver: &Method, t0: usize) -> Result<Scored, RunError> {
        let (setup, network, seed, data) = (self.setup, &self.network, self.seed, self.data);
        let (commit, watch) = (&self.commit, self.watch);
        let scored = |scores, seconds| Scored { scores, seconds, commit: commit.clone() };
        let settings = ExposureSettings::back(solver);
        let name = format!("real images noised to t = {t0}, {solver} over every level below");
        self.book.look_up(&name, || {
            let sampler = setup.sampler(&settings)?;
            let model = sampler.denoiser(Box::new(setup.told(network, Condition::None)))?;
            let start = setup.chain.grid_at(&[t0])?.start();
            let key = Key::new(seed, Purpose::Evaluation);
            let started = Instant::now();
            let count = setup.settings.sampling.count;
            let mut bytes = Vec::with_capacity(count * setup.pixels());
            let mut progress = watch.stage(format!("{}: {name}", self.name), 0, count as u64);
            let indices: Vec<usize> = (0..count.min(data.train.len())).collect();
            for part in indices.chunks(setup.settings.sampling.batch) {
                let images = data.train.batch(part, &[], &setup.device, DType::F32);
                let starts = [start];
                let mut chains =
                    chain_lengths(&*model, sampler.solver(), sampler.grid(), &starts, &images, part[0] as u64, key);
                let (_, back) = chains.next().expect("there is one start")?;
                let Ok(drawn) = quantise(back) else {
                    return Ok(scored(None, started.elapsed().as_secs_f64()));
                };
                bytes.extend(drawn);
                if watch.stop_requested() {
                    return Err(RunError::Interrupted);
                }
                progress.at((part[0] + part.len()) as u64, &String::new);
            }
            progress.finish(&String::new);
            let scores = data.reference.as_ref().map(|reference| score(setup, reference, bytes)).transpose()?;
            Ok(scored(scores, started.elapsed().as_secs_f64()))
        })
    }

    /// Writes the first samples of a sampler as a picture beside the checkpoint and returns its name; none if they are
    /// not finite.
    pub(super) fn picture(&self, sampler: &SamplerSettings) -> Result<Option<String>, RunError> {
        let file = self.cell.picture_of(&sampler.text());
        let count = SHOWN.min(self.setup.settings.sampling.count);
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        if file.exists() {
            return Ok(name);
        }
        let built = self.setup.sampler(sampler)?;
        let Some(bytes) = draw(self.setup, &self.network, self.seed, 0, count, &built, self.watch)? else {
            return Ok(None);
        };
        write_atomically(&file, &self.setup.shown(&bytes, SHOWN)?)?;
        Ok(name)
    }
}

fn score(setup: &Setup, reference: &Reference, bytes: Vec<u8>) -> Result<Scores, RunError> {
    let count = bytes.len() / setup.pixels();
    reference.score(&Images::new(bytes, vec![0; count], setup.data.shape)?)
}
