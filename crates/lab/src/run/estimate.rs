//! What a run would do, and how long it would take on this machine.

use super::Setup;
use crate::exposure::ExposureSettings;
use crate::methods::Methods;
use crate::recipe::Recipe;
use burn::tensor::Device;
use indicatif::HumanDuration;
use std::fmt::Write as _;
use std::time::Duration;
use undrift_studies::{Cost, RunError};

/// One line per row, and the total: times of a few small steps on blank images, scaled to the run.
///
/// # Errors
/// Those of the network and of sampling.
pub fn estimate(methods: &Methods, recipe: &Recipe, device: &Device) -> Result<String, RunError> {
    if let Some(study) = &recipe.exposure {
        return of_study(methods, recipe, study, device);
    }
    let mut text = String::new();
    let mut total = 0.0;
    for row in &recipe.rows {
        let plan = Setup::new(methods, row, device)?.into_plan();
        let cost = Cost::of(&plan)?;
        let (train, sample) = (cost.train, cost.sampling(&plan)?);
        total += train + sample;
        let s = &row.settings;
        let _ = writeln!(
            text,
            "{:12} {} parameters, {} steps of {} ({}), {} samples of {} evaluations and {} test images ({})",
            row.id,
            plan.network.parameter_count(device)?,
            s.training.steps,
            s.training.batch,
            human(train),
            s.sampling.count as u128 * s.sampling.weights.len() as u128,
            s.sampling.sampler.steps.unwrap_or(plan.chain.len()),
            s.metrics.bits_per_dim_images,
            human(sample),
        );
    }
    let seeds = recipe.seeds.len();
    let _ = write!(text, "total for {seeds} seed(s): about {}", human(total * seeds as f64));
    Ok(text)
}

/// The same for a study of exposure bias, all seeds together.
fn of_study(methods: &Methods, recipe: &Recipe, study: &ExposureSettings, device: &Device) -> Result<String, RunError> {
    let (mut text, mut total) = (String::new(), 0.0);
    for row in &recipe.rows {
        let Cost { train, evaluation } = Cost::of(&Setup::new(methods, row, device)?.into_plan())?;
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
