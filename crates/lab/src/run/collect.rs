//! From the files of a run directory to a report.

use super::row::Data;
use super::{Build, RunDirectory, RunError, Setup, distance_name, protocol};
use crate::recipe::{Extractor, Recipe, WeightSet};
use crate::report::{ImageCounts, Report, RowResult, SampleGrid, Scores};
use burn::tensor::Device;

/// Collects what is finished; rows that are not appear without seeds. Held-out images are scored on `device`.
///
/// # Errors
/// Damaged records, and those of scoring the held-out images.
pub fn collect_report(directory: &RunDirectory, recipe: &Recipe, device: &Device) -> Result<Report, RunError> {
    let mut builds: Vec<Build> = Vec::new();
    let (mut rows, mut grids) = (Vec::new(), Vec::new());
    for (row, settings) in recipe.rows.iter().zip(recipe.differing()) {
        let mut seeds = Vec::new();
        for &seed in &recipe.seeds {
            let cell = directory.cell(&row.id, seed);
            let Some(record) = cell.record()? else { continue };
            seeds.push(record.result);
            builds.push(record.build);
            let file = format!("{}/seed-{seed}/samples-ema.png", row.id);
            if cell.grid(WeightSet::Ema).exists() {
                grids.push(SampleGrid { row: row.id.clone(), seed, file });
            }
        }
        let (id, label, published) = (row.id.clone(), row.label.clone(), row.published);
        let evaluations = Setup::new(row, device)?.sampler(&row.settings.sampling.sampler)?.evaluations()?;
        rows.push(RowResult { id, label, settings, published, evaluations, seeds });
    }
    builds.dedup();
    let (reference, counts) = held_out(directory, recipe, device)?.unzip();
    let extractor = recipe.rows.first().map_or(Extractor::None, |row| row.settings.metrics.extractor);
    Ok(Report {
        title: recipe.title.clone(),
        distance_name: distance_name(extractor).to_owned(),
        protocol: protocol(recipe, &builds)?,
        rows,
        reference,
        counts,
        grids,
        baseline: recipe.baseline.clone(),
        notes: recipe.notes.clone(),
    })
}

/// Scores of the held-out images: what a perfect model of the data would get with as many samples.
fn held_out(
    directory: &RunDirectory,
    recipe: &Recipe,
    device: &Device,
) -> Result<Option<(Scores, ImageCounts)>, RunError> {
    let Some(row) = recipe.rows.first().filter(|row| row.settings.metrics.extractor != Extractor::None) else {
        return Ok(None);
    };
    let data = Data::load(directory, row, &Setup::new(row, device)?)?;
    data.reference.map(|reference| reference.score_held_out(&data.test, row.settings.sampling.count)).transpose()
}
