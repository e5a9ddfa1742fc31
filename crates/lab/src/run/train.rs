//! Training of one row, from wherever its checkpoint stands.

use super::inputs::{check, image_folder, of_images};
use super::losses::{LossFile, LossRecord};
use super::objective::Objective;
use super::{Cell, RunError, Setup, Timings};
use crate::interrupt;
use crate::progress::Progress;
use crate::recipe::TrainingSettings;
use burn::tensor::DType;
use std::collections::BTreeMap;
use std::time::Instant;
use undrift_data::{Batches, Flips, Images};
use undrift_networks::DdpmUnet;
use undrift_noise::{Key, Purpose};
use undrift_training::{Ema, Optimisation, TrainError, TrainState, Trainer};

/// The note of a checkpoint that holds its row's resolved settings, in TOML.
pub const SETTINGS: &str = "settings";

/// The note of a checkpoint that holds its [`DdpmUnetConfig`](undrift_networks::DdpmUnetConfig), in JSON.
pub const NETWORK: &str = "network";

/// The note of a checkpoint that holds the hash of the images that it was trained on.
pub const IMAGES: &str = "images";

/// A trainer, and where its training stands.
pub enum Trained {
    /// All steps are done.
    Finished(Box<Trainer<DdpmUnet>>),
    /// The loss or its gradient is no longer finite.
    Diverged(String),
}

/// Trains until the last step, saving checkpoints into `cell`.
///
/// # Errors
/// [`RunError::Interrupted`] after Ctrl-C, when the checkpoint has been saved; [`RunError::OtherInput`] for a
/// checkpoint of other images; [`RunError::NotHeld`]; file errors; the loss's.
pub fn train(setup: &Setup, seed: u64, images: &Images, cell: &Cell, label: String) -> Result<Trained, RunError> {
    let settings = &setup.settings.training;
    cell.check_held()?;
    let images_hash = of_images(images);
    let (mut trainer, mut window, mut objective) = resume(setup, seed, cell, &images_hash)?;
    let mut losses = LossFile::open(&cell.losses(), trainer.steps())?;
    let mut batches = batches(setup, seed, images)?;
    let mut progress = Progress::start(label, trainer.steps(), settings.steps);
    let clock = Clock::start(cell)?;
    while trainer.steps() < settings.steps {
        let number = trainer.steps();
        let batch = batches.batch(number);
        let x0 = images.batch(&batch.indices, &batch.flips, &setup.device.clone().autodiff(), DType::F32);
        let update = match trainer.step(|network, _| Ok(objective.loss(network, number, x0)?)) {
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
        progress.at(done, || format!("loss {:.4}", update.loss));
        let stop = interrupt::requested();
        if stop || done % settings.checkpoint_every == 0 || done == settings.steps {
            losses.sync()?;
            cell.check_held()?;
            trainer.state(metadata(setup, &window, &objective, &images_hash)).save(&cell.checkpoint())?;
            clock.save(cell)?;
        }
        if stop && done < settings.steps {
            return Err(RunError::Interrupted);
        }
    }
    progress.finish(String::new);
    Ok(Trained::Finished(Box::new(trainer)))
}

/// What a checkpoint keeps beside the trainer: what going on needs, and what tells anyone who has this file alone
/// which network it holds and how it was trained.
fn metadata(setup: &Setup, window: &Window, objective: &Objective<'_>, images: &str) -> BTreeMap<String, String> {
    let mut metadata = window.metadata();
    let settings = toml::to_string_pretty(&setup.settings).expect("settings of a loaded recipe have a TOML form");
    let network = serde_json::to_string(&setup.unet).expect("a valid configuration has a JSON form");
    metadata.extend([
        (SETTINGS.to_owned(), settings),
        (NETWORK.to_owned(), network),
        (IMAGES.to_owned(), images.to_owned()),
    ]);
    metadata.extend(objective.metadata());
    metadata
}

/// The trainer at its last checkpoint, or at its start, the losses not recorded yet, and the objective.
fn resume<'a>(
    setup: &'a Setup,
    seed: u64,
    cell: &Cell,
    images: &str,
) -> Result<(Trainer<DdpmUnet>, Window, Objective<'a>), RunError> {
    let device = setup.device.clone().autodiff();
    let network = setup.unet.init(&device, Key::new(seed, Purpose::Initialisation))?;
    let mut trainer = Trainer::new(network, optimisation(&setup.settings.training))?;
    if !cell.checkpoint().exists() {
        return Ok((trainer, Window::default(), Objective::new(setup, seed)?));
    }
    let state = TrainState::load(&cell.checkpoint())?;
    if let Some(begun_with) = state.metadata().get(IMAGES) {
        check("training images", || image_folder(&setup.settings.data), begun_with, images)?;
    }
    trainer.restore(&state)?;
    let objective = Objective::resumed(setup, seed, state.metadata())?;
    Ok((trainer, Window::from_metadata(state.metadata()), objective))
}

fn optimisation(t: &TrainingSettings) -> Optimisation {
    let ema = if t.ema.ramp { Ema::ramped(t.ema.decay) } else { Ema::new(t.ema.decay) };
    Optimisation {
        warm_up: t.warm_up,
        clip: Some(t.clip),
        weight_penalty: t.weight_penalty,
        ema,
        ..Optimisation::constant(t.learning_rate)
    }
}

fn batches(setup: &Setup, seed: u64, images: &Images) -> Result<Batches, RunError> {
    let flips = if setup.settings.data.flip { Flips::Random } else { Flips::None };
    Ok(Batches::new(Key::new(seed, Purpose::Data), images.len(), setup.settings.training.batch, flips)?)
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
