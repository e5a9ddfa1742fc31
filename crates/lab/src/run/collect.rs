//! From the results of a table to a report.

use super::{Setup, protocol};
use crate::methods::Methods;
use crate::recipe::Recipe;
use crate::report::{Report, RowResult, SampleGrid};
use burn::tensor::Device;
use undrift_studies::{Build, RunDirectory, RunError, TableResults, held_out, rows_of};

/// Collects what is finished; rows that are not appear without seeds. Held-out images are scored on `device`.
///
/// # Errors
/// Damaged records, and those of scoring the held-out images.
pub fn collect_report(
    methods: &Methods,
    directory: &RunDirectory,
    recipe: &Recipe,
    device: &Device,
) -> Result<Report, RunError> {
    let ids: Vec<&str> = recipe.rows.iter().map(|row| row.id.as_str()).collect();
    let rows = rows_of(directory, &ids, &recipe.seeds)?;
    let (held_out, held_out_further) = match recipe.rows.first() {
        Some(row) => held_out(directory, &Setup::new(methods, row, device)?.into_plan())?,
        None => (None, Vec::new()),
    };
    report_of(methods, recipe, TableResults { rows, held_out, held_out_further }, device)
}

/// The report of a recipe's results, which are in the order of its rows.
///
/// # Errors
/// Those of a network that cannot be made.
pub fn report_of(
    methods: &Methods,
    recipe: &Recipe,
    results: TableResults,
    device: &Device,
) -> Result<Report, RunError> {
    let mut builds: Vec<Build> = Vec::new();
    let mut distance = None;
    let (mut rows, mut grids) = (Vec::new(), Vec::new());
    for ((row, settings), found) in recipe.rows.iter().zip(recipe.differing()).zip(results.rows) {
        builds.extend(found.records.iter().map(|record| record.build.clone()));
        grids.extend(found.pictures.into_iter().map(|(seed, file)| SampleGrid { row: row.id.clone(), seed, file }));
        let seeds = found.records.into_iter().map(|record| record.result).collect();
        let (id, label, published) = (row.id.clone(), row.label.clone(), row.published);
        let setup = Setup::new(methods, row, device)?;
        let evaluations = setup.sampler(&row.settings.sampling.sampler)?.evaluations(setup.outputs())?;
        distance.get_or_insert(setup.distance);
        rows.push(RowResult { id, label, settings, published, evaluations, seeds });
    }
    builds.dedup();
    let (reference, counts) = results.held_out.unzip();
    Ok(Report {
        title: recipe.title.clone(),
        distance_name: distance.unwrap_or_default().to_owned(),
        protocol: protocol(methods, recipe, &builds, device)?,
        rows,
        reference,
        counts,
        reference_further: results.held_out_further,
        grids,
        baseline: recipe.baseline.clone(),
        notes: recipe.notes.clone(),
    })
}
