//! Training of one row, from wherever its checkpoint stands.

use crate::conditioning::InTraining;
use crate::inputs::{check, of_images};
use crate::losses::{LossFile, LossRecord};
use crate::plan::Training;
use crate::watch::silent;
use crate::{Cell, Plan, RunError, Timings, Watch};
use burn::tensor::{DType, Tensor};
use std::collections::BTreeMap;
use std::time::Instant;
use undrift_data::{Batches, Images};
use undrift_denoisers::{Network, Preconditioned};
use undrift_losses::{Ask, Objective};
use undrift_networks::AnyNetwork;
use undrift_noise::{Key, Purpose, SampleNoise};
use undrift_training::{TrainError, TrainState, Trainer};

/// The note of a checkpoint that holds the hash of the images that it was trained on.
pub const IMAGES: &str = "images";

/// A trainer, and where its training stands.
pub enum Trained {
    /// All steps are done.
    Finished(Box<Trainer<AnyNetwork<4>>>),
    /// The loss or its gradient is no longer finite.
    Diverged(String),
}

/// Trains until the last step, saving checkpoints into `cell`.
///
/// # Errors
/// [`RunError::Interrupted`] when the watcher asks to stop and the checkpoint has been saved; [`RunError::OtherInput`] for a
/// checkpoint of other images; [`RunError::NotHeld`]; file errors; the loss's.
pub fn train(
    plan: &Plan,
    seed: u64,
    images: &Images,
    cell: &Cell,
    label: String,
    watch: &dyn Watch,
) -> Result<Trained, RunError> {
    let settings = &plan.training;
    cell.check_held()?;
    let images_hash = of_images(images);
    let (mut trainer, mut window, mut objective) = resume(plan, seed, cell, &images_hash)?;
    let mut losses = LossFile::open(&cell.losses(), trainer.steps())?;
    let mut batches = batches(plan, seed, images)?;
    let mut progress = watch.stage(label, trainer.steps(), settings.steps);
    let clock = Clock::start(cell)?;
    while trainer.steps() < settings.steps {
        let number = trainer.steps();
        let batch = batches.batch(number);
        let x0 = images.batch(&batch.indices, &batch.flips, &plan.device.clone().autodiff(), DType::F32);
        let labels: Vec<u32> = batch.indices.iter().map(|&index| images.labels()[index]).collect();
        let update = match trainer.step(|network, _| loss(plan, seed, &mut *objective, network, number, (x0, &labels)))
        {
            Ok(update) => update,
            Err(e @ TrainError::NonFinite { .. }) => {
                clock.save(cell)?;
                return Ok(Trained::Diverged(e.to_string()));
            }
            Err(e) => return Err(e.into()),
        };
        let done = number + 1;
        window.add(update.loss);
        if done % settings.log_every == 0 || done == settings.steps {
            losses.append(&LossRecord { step: done, loss: window.take(), gradient_norm: update.gradient_norm })?;
        }
        progress.at(done, &|| format!("loss {:.4}", update.loss));
        let stop = watch.stop_requested();
        if stop || done % settings.checkpoint_every == 0 || done == settings.steps {
            losses.sync()?;
            cell.check_held()?;
            trainer.state(metadata(plan, &window, &*objective, &images_hash)).save(&cell.checkpoint())?;
            clock.save(cell)?;
        }
        if stop && done < settings.steps {
            return Err(RunError::Interrupted);
        }
    }
    progress.finish(&silent);
    Ok(Trained::Finished(Box::new(trainer)))
}

/// The loss of training batch `number`, `[batch]`.
///
/// Levels, noise and dropout masks are functions of the seed and of each image's running number, so that all rows of a
/// table see the same ones and a resumed run needs no generator's state.
pub(crate) fn loss(
    plan: &Plan,
    seed: u64,
    objective: &mut dyn Objective<4>,
    network: &AnyNetwork<4>,
    number: u64,
    (x0, labels): (Tensor<4>, &[u32]),
) -> Result<Tensor<1>, BoxError> {
    let size = x0.dims()[0];
    let first = number * size as u64;
    let dropout = SampleNoise::new(Key::new(seed, Purpose::Dropout), first, size);
    let condition = plan.conditioning.of_batch(labels, seed, first, &plan.device)?;
    let network = InTraining { network, condition, dropout };
    let model = Preconditioned {
        network: &network as &dyn Network<4>,
        parameterisation: &*plan.parameterisation,
        variance: plan.output_variance,
    };
    let ask = Ask { model, average: None, chain: &plan.chain, x0, first, seed, ts: None };
    Ok(objective.loss(ask)?)
}

/// Any error.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A trainer, the losses not recorded yet, and the objective.
type Resumed = (Trainer<AnyNetwork<4>>, Window, Box<dyn Objective<4>>);

/// What a checkpoint keeps beside the trainer: what going on needs, and what tells anyone who has this file alone
/// which network it holds and how it was trained.
fn metadata(plan: &Plan, window: &Window, objective: &dyn Objective<4>, images: &str) -> BTreeMap<String, String> {
    let mut metadata = window.metadata();
    metadata.extend(plan.notes.clone());
    metadata.insert(IMAGES.to_owned(), images.to_owned());
    metadata.extend(objective.state());
    metadata
}

/// The trainer at its last checkpoint, or at its start, the losses not recorded yet, and the objective.
fn resume(plan: &Plan, seed: u64, cell: &Cell, images: &str) -> Result<Resumed, RunError> {
    let device = plan.device.clone().autodiff();
    let network = plan.network.network(&device, Key::new(seed, Purpose::Initialisation))?;
    let mut trainer = Trainer::new(network, plan.training.optimisation)?;
    if !cell.checkpoint().exists() {
        return Ok((trainer, Window::default(), (plan.objective)()?));
    }
    let state = TrainState::load(&cell.checkpoint())?;
    if let Some(begun_with) = state.metadata().get(IMAGES) {
        check("training images", &plan.data.from, begun_with, images)?;
    }
    trainer.restore(&state)?;
    let mut objective = (plan.objective)()?;
    objective.restore(state.metadata())?;
    Ok((trainer, Window::from_metadata(state.metadata()), objective))
}

fn batches(plan: &Plan, seed: u64, images: &Images) -> Result<Batches, RunError> {
    let Training { batch, flips, .. } = plan.training;
    Ok(Batches::new(Key::new(seed, Purpose::Data), images.len(), batch, flips)?)
}

/// The losses since the last record.
#[derive(Default)]
struct Window {
    sum: f64,
    count: u64,
}

impl Window {
    fn add(&mut self, loss: f64) {
        self.sum += loss;
        self.count += 1;
    }

    /// Their mean; begins anew.
    fn take(&mut self) -> f64 {
        let Self { sum, count } = std::mem::take(self);
        sum / count.max(1) as f64
    }

    /// A checkpoint keeps the window, so that a resumed run records the same means.
    fn metadata(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("loss_sum".to_owned(), self.sum.to_string()),
            ("loss_count".to_owned(), self.count.to_string()),
        ])
    }

    fn from_metadata(metadata: &BTreeMap<String, String>) -> Self {
        let read = |key: &str| metadata.get(key).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        Self { sum: read("loss_sum"), count: read("loss_count") as u64 }
    }
}

/// Seconds of training, over all runs.
struct Clock {
    before: Timings,
    started: Instant,
}

impl Clock {
    fn start(cell: &Cell) -> Result<Self, RunError> {
        Ok(Self { before: cell.spent()?, started: Instant::now() })
    }

    fn save(&self, cell: &Cell) -> Result<(), RunError> {
        cell.save_spent(Timings { train: self.before.train + self.started.elapsed().as_secs_f64(), ..self.before })
    }
}
