//! Training of one row, from wherever its checkpoint stands.

use crate::inputs::{check, of_images};
use crate::losses::{LossFile, LossRecord};
use crate::watch::silent;
use crate::{Cell, Plan, RunError, Timings, Watch};
use std::collections::BTreeMap;
use std::time::Instant;
use undrift_data::Images;
use undrift_losses::Objective;
use undrift_networks::AnyNetwork;
use undrift_noise::{Key, Purpose};
use undrift_training::{Course, TrainError, TrainState, Trainer};

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
    let images_hash = of_images(images, plan.conditioning);
    let (mut trainer, mut window, mut objective) = resume(plan, seed, cell, &images_hash)?;
    let mut losses = LossFile::open(&cell.losses(), trainer.steps())?;
    let mut course = course(plan, seed, images, settings.batch)?;
    let mut progress = watch.stage(label, trainer.steps(), settings.steps);
    let clock = Clock::start(cell)?;
    while trainer.steps() < settings.steps {
        let number = trainer.steps();
        let update = match trainer.step_in_parts(1, |turn| course.loss(&mut *objective, turn)) {
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

/// What a row's network is taught from these images with this seed, so many at a time.
pub(crate) fn course<'a>(plan: &'a Plan, seed: u64, images: &'a Images, size: usize) -> Result<Course<'a>, RunError> {
    let course = Course::new(images, &plan.chain, &*plan.parameterisation, size, seed, &plan.device)?;
    let course = course.with_flips(plan.training.flips)?.with_variance(plan.output_variance);
    Ok(course.with_label_dropout(plan.conditioning.dropout()))
}

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
