//! What a run would do, and how long it would take on this machine.

use super::Setup;
use crate::exposure::ExposureSettings;
use crate::recipe::{Experiment, Recipe};
use crate::registry::parameter_count;
use burn::tensor::Device;
use indicatif::HumanDuration;
use std::fmt::Write as _;
use std::time::Duration;
use undrift_studies::{Cost, RunError};

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
        let Cost { train, evaluation } = Cost::of(&Setup::new(row, device)?.into_plan())?;
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
    let plan = Setup::new(row, device)?.into_plan();
    let cost = Cost::of(&plan)?;
    Ok((cost.train, cost.sampling(&plan)?))
}
