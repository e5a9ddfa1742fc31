//! One trained row and seed of a study, and the scores of samplers on it.

use super::book::{Book, Scored};
use super::grid::NamedSampler;
use crate::trained::network_of;
use crate::watch::silent;
use crate::{
    Cell, Data, Plan, Reference, RunDirectory, RunError, Scores, Trained, Watch, WeightSet, draw, draw_all, train,
    write_atomically,
};
use burn::tensor::DType;
use std::time::Instant;
use undrift_data::{Images, quantise};
use undrift_metrics::chain_lengths;
use undrift_networks::{AnyNetwork, Condition};
use undrift_noise::{Key, Purpose};

/// A trained row and seed.
pub(super) struct TrainedRow<'a> {
    pub(super) plan: &'a Plan,
    pub(super) network: AnyNetwork<4>,
    pub(super) seed: u64,
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
        plan: &'a Plan,
        data: &'a Data,
        seed: u64,
        commit: &str,
        watch: &'a dyn Watch,
    ) -> Result<Result<Self, String>, RunError> {
        let cell = directory.cell(&plan.id, seed);
        cell.create()?;
        let name = format!("{} seed {seed}", plan.id);
        let network = match train(plan, seed, &data.train, &cell, format!("{name}: train"), watch)? {
            Trained::Diverged(why) => return Ok(Err(why)),
            Trained::Finished(trainer) => {
                network_of(&trainer, plan.sampling.weights.first().copied().unwrap_or(WeightSet::Ema))
            }
        };
        let book = Book::open(&cell, cell.scores())?;
        Ok(Ok(TrainedRow { plan, network, seed, name, cell, data, book, commit: commit.to_owned(), watch }))
    }

    /// The scores of a sampler, drawn with the row's own seed.
    pub(super) fn scores(&mut self, sampler: &NamedSampler<'_>) -> Result<Scored, RunError> {
        let (plan, network, seed) = (self.plan, &self.network, self.seed);
        let (data, cell, commit, watch) = (self.data, &self.cell, &self.commit, self.watch);
        let scored = |scores, seconds| Scored { scores, seconds, commit: commit.clone() };
        let label = format!("{}: {}", self.name, sampler.text);
        self.book.look_up(&sampler.text, || {
            let started = Instant::now();
            let bytes = draw_all(plan, network, seed, &*(sampler.build)()?, label, watch)?;
            let seconds = started.elapsed().as_secs_f64();
            let Some(bytes) = bytes else { return Ok(scored(None, seconds)) };
            let Some(reference) = &data.reference else {
                write_atomically(&cell.samples_of(&sampler.text), &bytes)?;
                return Ok(scored(None, seconds));
            };
            Ok(scored(Some(score(plan, reference, bytes)?), seconds))
        })
    }

    /// The scores of real images that were noised to `t0` and sampled back over every level below.
    pub(super) fn chain_scores(
        &mut self,
        solver: &str,
        back: &NamedSampler<'_>,
        t0: usize,
    ) -> Result<Scored, RunError> {
        let (plan, network, seed, data) = (self.plan, &self.network, self.seed, self.data);
        let (commit, watch) = (&self.commit, self.watch);
        let scored = |scores, seconds| Scored { scores, seconds, commit: commit.clone() };
        let name = format!("real images noised to t = {t0}, {solver} over every level below");
        self.book.look_up(&name, || {
            let sampler = (back.build)()?;
            let model = sampler.denoiser(Box::new(plan.told(network, Condition::None)))?;
            let start = plan.chain.grid_at(&[t0])?.start();
            let key = Key::new(seed, Purpose::Evaluation);
            let started = Instant::now();
            let count = plan.sampling.count;
            let mut bytes = Vec::with_capacity(count * plan.pixels());
            let mut progress = watch.stage(format!("{}: {name}", self.name), 0, count as u64);
            let indices: Vec<usize> = (0..count.min(data.train.len())).collect();
            for part in indices.chunks(plan.sampling.batch) {
                let images = data.train.batch(part, &[], &plan.device, DType::F32);
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
                progress.at((part[0] + part.len()) as u64, &silent);
            }
            progress.finish(&silent);
            let scores = data.reference.as_ref().map(|reference| score(plan, reference, bytes)).transpose()?;
            Ok(scored(scores, started.elapsed().as_secs_f64()))
        })
    }

    /// Writes the first samples of a sampler as a picture beside the checkpoint and returns its name; none if they are
    /// not finite.
    pub(super) fn picture(&self, sampler: &NamedSampler<'_>) -> Result<Option<String>, RunError> {
        let file = self.cell.picture_of(&sampler.text);
        let count = SHOWN.min(self.plan.sampling.count);
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        if file.exists() {
            return Ok(name);
        }
        let built = (sampler.build)()?;
        let Some(bytes) = draw(self.plan, &self.network, self.seed, 0, count, &*built, self.watch)? else {
            return Ok(None);
        };
        write_atomically(&file, &self.plan.shown(&bytes, SHOWN)?)?;
        Ok(name)
    }
}

fn score(plan: &Plan, reference: &Reference, bytes: Vec<u8>) -> Result<Scores, RunError> {
    let count = bytes.len() / plan.pixels();
    reference.score(&Images::new(bytes, vec![0; count], plan.data.shape)?)
}
