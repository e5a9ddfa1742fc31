//! Training of one row, from wherever its checkpoint stands.

use super::losses::{LossFile, LossRecord};
use super::{Cell, RunError, Setup, Timings};
use crate::interrupt;
use crate::progress::Progress;
use crate::recipe::{ObjectiveName, TrainingSettings};
use burn::tensor::{DType, Tensor};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Instant;
use undrift_data::{Batches, Flips, Images};
use undrift_denoisers::{Levels, Preconditioned};
use undrift_losses::{LossError, Plain, squared_error, variational_bound};
use undrift_networks::DdpmUnet;
use undrift_noise::{Key, Purpose, SampleNoise, index};
use undrift_schedules::Span;
use undrift_training::{Ema, Optimisation, TrainError, TrainState, Trainer};

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
/// [`RunError::Interrupted`] after Ctrl-C, when the checkpoint has been saved; file errors; the loss's.
pub fn train(setup: &Setup, seed: u64, images: &Images, cell: &Cell, label: String) -> Result<Trained, RunError> {
    let settings = &setup.settings.training;
    let (mut trainer, mut window) = resume(setup, seed, cell)?;
    let mut losses = LossFile::open(&cell.losses(), trainer.steps())?;
    let mut batches = batches(setup, seed, images)?;
    let mut progress = Progress::start(label, trainer.steps(), settings.steps);
    let clock = Clock::start(cell)?;
    while trainer.steps() < settings.steps {
        let number = trainer.steps();
        let batch = batches.batch(number);
        let x0 = images.batch(&batch.indices, &batch.flips, &setup.device.clone().autodiff(), DType::F32);
        let update = match trainer.step(|network, _| loss(setup, network, seed, number, x0)) {
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
            trainer.state(window.metadata()).save(&cell.checkpoint())?;
            clock.save(cell)?;
        }
        if stop && done < settings.steps {
            return Err(RunError::Interrupted);
        }
    }
    progress.finish(String::new);
    Ok(Trained::Finished(Box::new(trainer)))
}

/// The trainer at its last checkpoint, or at its start, and the losses not recorded yet.
fn resume(setup: &Setup, seed: u64, cell: &Cell) -> Result<(Trainer<DdpmUnet>, Window), RunError> {
    let device = setup.device.clone().autodiff();
    let network = setup.unet.init(&device, Key::new(seed, Purpose::Initialisation))?;
    let mut trainer = Trainer::new(network, optimisation(&setup.settings.training))?;
    if !cell.checkpoint().exists() {
        return Ok((trainer, Window::default()));
    }
    let state = TrainState::load(&cell.checkpoint())?;
    trainer.restore(&state)?;
    Ok((trainer, Window::from_metadata(state.metadata())))
}

fn optimisation(t: &TrainingSettings) -> Optimisation {
    let ema = if t.ema.ramp { Ema::ramped(t.ema.decay) } else { Ema::new(t.ema.decay) };
    Optimisation { warm_up: t.warm_up, clip: Some(t.clip), ema, ..Optimisation::constant(t.learning_rate) }
}

fn batches(setup: &Setup, seed: u64, images: &Images) -> Result<Batches, RunError> {
    let flips = if setup.settings.data.flip { Flips::Random } else { Flips::None };
    Ok(Batches::new(Key::new(seed, Purpose::Data), images.len(), setup.settings.training.batch, flips)?)
}

/// The loss of training batch `number`, `[batch]`.
///
/// Levels, noise and dropout masks are functions of the seed and of each image's running number, so that all rows
/// of a table see the same ones and a resumed run needs no generator's state.
pub fn loss(setup: &Setup, network: &DdpmUnet, seed: u64, number: u64, x0: Tensor<4>) -> Result<Tensor<1>, LossError> {
    let size = x0.dims()[0];
    let first = number * size as u64;
    let spans = spans(setup, seed, first, size);
    let mut noise = SampleNoise::new(Key::new(seed, Purpose::Training), first, size);
    let dropout = RefCell::new(SampleNoise::new(Key::new(seed, Purpose::Dropout), first, size));
    let model = Preconditioned {
        network: |x: Tensor<4>, time: Tensor<1>| network.forward_training(x, time, &mut dropout.borrow_mut()),
        parameterisation: &setup.parameterisation,
        variance: setup.output_variance,
    };
    match setup.settings.model.objective {
        ObjectiveName::Simple => {
            let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
            squared_error(&model, &Plain, x0, &at, &mut noise)
        }
        ObjectiveName::Bound => variational_bound(&model, setup.variance, &Plain, x0, &spans, &mut noise),
    }
}

/// The span t -> t - 1 of each image, with t uniform in 1..=T.
fn spans(setup: &Setup, seed: u64, first: u64, size: usize) -> Vec<Span> {
    let key = Key::new(seed, Purpose::Levels);
    let length = setup.chain.len();
    let t = |sample: u64| 1 + index(key, sample, 0, length);
    (first..first + size as u64).map(|sample| setup.chain.span(t(sample)).expect("t lies in 1..=T")).collect()
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
