//! What a run would do, and how long it would take on this machine.

use super::table;
use crate::exposure::{ExposureSettings, exposure_of};
use crate::methods::Methods;
use crate::recipe::Recipe;
use burn::tensor::Device;
use indicatif::HumanDuration;
use std::fmt::Write as _;
use std::time::Duration;
use undrift_studies::{Cost, RunError, Study, Table};

/// One line per row, and the total: times of a few small steps on blank images, scaled to the run.
///
/// # Errors
/// Those of the network and of sampling.
pub fn estimate(methods: &Methods, recipe: &Recipe, device_name: &str, device: &Device) -> Result<String, RunError> {
    match &recipe.exposure {
        Some(settings) => {
            let costs = exposure_of(methods, recipe, settings, device_name, device)?.estimate()?;
            Ok(of_study(recipe, settings, &costs))
        }
        None => of_table(recipe, &table(methods, recipe, recipe, device_name, device)?, device),
    }
}

fn of_table(recipe: &Recipe, table: &Table, device: &Device) -> Result<String, RunError> {
    let (mut text, mut total) = (String::new(), 0.0);
    for ((row, plan), cost) in recipe.rows.iter().zip(&table.rows).zip(table.estimate()?) {
        let sample = cost.sampling(plan)?;
        total += cost.train + sample;
        let s = &row.settings;
        let _ = writeln!(
            text,
            "{:12} {} parameters, {} steps of {} ({}), {} samples of {} evaluations and {} test images ({})",
            row.id,
            plan.network.parameter_count(device)?,
            s.training.steps,
            s.training.batch,
            human(cost.train),
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
fn of_study(recipe: &Recipe, study: &ExposureSettings, costs: &[Cost]) -> String {
    let (mut text, mut total) = (String::new(), 0.0);
    for (row, cost) in recipe.rows.iter().zip(costs) {
        let trainings = recipe.seeds.len() + study.tuning_seeds.len();
        let evaluations = study.evaluations(recipe.seeds.len());
        let (train, count) = (cost.train * trainings as f64, row.settings.sampling.count);
        let sample = cost.evaluation * count as f64 * evaluations as f64;
        total += train + sample;
        let _ = writeln!(
            text,
            "{:18} {trainings} trainings ({}), {count} samples of {evaluations} evaluations ({})",
            row.id,
            human(train),
            human(sample),
        );
    }
    let _ = write!(text, "total for {} seed(s): about {}", recipe.seeds.len(), human(total));
    text
}

fn human(seconds: f64) -> HumanDuration {
    HumanDuration(Duration::from_secs_f64(seconds.min(1e18)))
}
