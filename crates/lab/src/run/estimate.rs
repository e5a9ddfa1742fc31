//! What a run would do, and how long it would take on this machine.

use super::{Objective, RunError, Setup};
use crate::exposure::ExposureSettings;
use crate::recipe::{Experiment, Recipe};
use crate::registry::parameter_count;
use burn::tensor::{DType, Device, Tensor};
use indicatif::HumanDuration;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use undrift_noise::{Key, Purpose};
use undrift_training::{Optimisation, Trainer};

/// Images of a timed training step and of a timed sampling step.
const TIMED: usize = 16;

/// Steps before the timed one: the first ones wait for memory that later ones use again.
const WARM_UP: usize = 2;

/// One line per row, and the total: times of a few small steps on blank images, scaled to the run.
///
/// # Errors
/// Those of the network and of sampling.
pub fn estimate(recipe: &Recipe, device: &Device) -> Result<String, RunError> {
    if let Some(study) = &recipe.exposure {
        return of_study(recipe, study, device);
    }
    let mut text = String::new();
    let mut total = 0.0;
    for row in &recipe.rows {
        let (train, sample) = seconds(row, device)?;
        total += train + sample;
        let s = &row.settings;
        let _ = writeln!(
            text,
            "{:12} {} parameters, {} steps of {} ({}), {} samples of {} evaluations and {} test images ({})",
            row.id,
            parameter_count(s)?,
            s.training.steps,
            s.training.batch,
            human(train),
            s.sampling.count as u128 * s.sampling.weights.len() as u128,
            s.sampling.sampler.steps.unwrap_or(s.chain.length()),
            s.metrics.bits_per_dim_images,
            human(sample),
        );
    }
    let seeds = recipe.seeds.len();
    let _ = write!(text, "total for {seeds} seed(s): about {}", human(total * seeds as f64));
    Ok(text)
}

/// The same for a study of exposure bias, all seeds together.
fn of_study(recipe: &Recipe, study: &ExposureSettings, device: &Device) -> Result<String, RunError> {
    let (mut text, mut total) = (String::new(), 0.0);
    for row in &recipe.rows {
        let (train, evaluation) = costs(row, device)?;
        let trainings = recipe.seeds.len() + study.tuning_seeds.len();
        let evaluations = study.evaluations(recipe.seeds.len());
        let sample = evaluation * row.settings.sampling.count as f64 * evaluations as f64;
        total += train * trainings as f64 + sample;
        let _ = writeln!(
            text,
            "{:18} {trainings} trainings ({}), {} samples of {evaluations} evaluations ({})",
            row.id,
            human(train * trainings as f64),
            row.settings.sampling.count,
            human(sample),
        );
    }
    let _ = write!(text, "total for {} seed(s): about {}", recipe.seeds.len(), human(total));
    Ok(text)
}

fn human(seconds: f64) -> HumanDuration {
    HumanDuration(Duration::from_secs_f64(seconds.min(1e18)))
}

/// Seconds of training and of sampling with bits/dim, for one seed.
fn seconds(row: &Experiment, device: &Device) -> Result<(f64, f64), RunError> {
    let (train, evaluation) = costs(row, device)?;
    let (s, setup) = (&row.settings, Setup::new(row, device)?);
    let steps = setup.sampler(&s.sampling.sampler)?.grid().steps();
    let evaluations = s.sampling.count as f64 * s.sampling.weights.len() as f64 * steps as f64;
    let of_bound = s.metrics.bits_per_dim_images as f64 * s.chain.length() as f64;
    Ok((train, evaluation * (evaluations + of_bound)))
}

/// Seconds of one training, and of one evaluation of the network for one image.
fn costs(row: &Experiment, device: &Device) -> Result<(f64, f64), RunError> {
    let setup = Setup::new(row, device)?;
    let s = &setup.settings;
    let key = Key::new(0, Purpose::Initialisation);
    let network = setup.unet.init(&setup.device.clone().autodiff(), key)?;
    let mut trainer = Trainer::new(network, Optimisation::constant(1e-6))?;
    let [channels, height, width] = setup.shape;
    let shape = [TIMED, channels, height, width];
    let mut objective = Objective::new(&setup, 0)?;
    let mut step = || {
        let x0 = Tensor::zeros(shape, (&setup.device.clone().autodiff(), DType::F32));
        trainer.step(|network, number| Ok(objective.loss(network, number, x0)?)).map(|_| ()).map_err(RunError::from)
    };
    for _ in 0..WARM_UP {
        step()?;
    }
    let train = fastest(&mut step)? * s.training.batch as f64 / TIMED as f64 * s.training.steps as f64;
    let averaged = trainer.averaged();
    let mut evaluation = || {
        let x = Tensor::zeros(shape, (&setup.device, DType::F32));
        averaged.forward(x, Tensor::zeros([1], (&setup.device, DType::F32))).into_data();
        Ok(())
    };
    evaluation()?;
    Ok((train, fastest(&mut evaluation)? / TIMED as f64))
}

/// Seconds of the fastest of three: whatever else the machine does can only make a run slower.
fn fastest(run: &mut impl FnMut() -> Result<(), RunError>) -> Result<f64, RunError> {
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        let started = Instant::now();
        run()?;
        least = least.min(started.elapsed().as_secs_f64());
    }
    Ok(least)
}
