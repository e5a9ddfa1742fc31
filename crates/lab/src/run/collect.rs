//! From the results of a table to a report.

use super::{Setup, distance_name, protocol};
use crate::recipe::{Extractor, ModelSettings, ObjectiveName, PredictionName, Recipe, VarianceName};
use crate::report::{Published, Report, RowResult, SampleGrid, SeedResult};
use burn::tensor::Device;
use undrift_studies::{Build, RunDirectory, RunError, TableResults, held_out, rows_of};

/// Collects what is finished; rows that are not appear without seeds. Held-out images are scored on `device`.
///
/// # Errors
/// Damaged records, and those of scoring the held-out images.
pub fn collect_report(directory: &RunDirectory, recipe: &Recipe, device: &Device) -> Result<Report, RunError> {
    let ids: Vec<&str> = recipe.rows.iter().map(|row| row.id.as_str()).collect();
    let rows = rows_of(directory, &ids, &recipe.seeds)?;
    let scored = recipe.rows.first().filter(|row| row.settings.metrics.extractor != Extractor::None);
    let held_out = match scored {
        Some(row) => held_out(directory, &Setup::new(row, device)?.into_plan())?,
        None => None,
    };
    report_of(recipe, TableResults { rows, held_out })
}

/// The report of a recipe's results, which are in the order of its rows.
///
/// # Errors
/// Those of a network that cannot be made.
pub fn report_of(recipe: &Recipe, results: TableResults) -> Result<Report, RunError> {
    let mut builds: Vec<Build> = Vec::new();
    let (mut rows, mut grids) = (Vec::new(), Vec::new());
    for (row, found) in recipe.rows.iter().zip(results.rows) {
        builds.extend(found.records.iter().map(|record| record.build.clone()));
        grids.extend(found.pictures.into_iter().map(|(seed, file)| SampleGrid { row: row.id.clone(), seed, file }));
        let seeds = found.records.into_iter().map(|record| record.result).collect();
        rows.push(result(row.id.clone(), row.label.clone(), &row.settings.model, row.published, seeds));
    }
    builds.dedup();
    let (reference, counts) = results.held_out.unzip();
    let extractor = recipe.rows.first().map_or(Extractor::None, |row| row.settings.metrics.extractor);
    Ok(Report {
        title: recipe.title.clone(),
        distance_name: distance_name(extractor).to_owned(),
        comparable: false,
        protocol: protocol(recipe, &builds)?,
        rows,
        reference,
        counts,
        grids,
    })
}

fn result(id: String, label: String, model: &ModelSettings, published: Published, seeds: Vec<SeedResult>) -> RowResult {
    let prediction = match model.prediction {
        PredictionName::Eps => "eps",
        PredictionName::X0 => "x0",
        PredictionName::V => "v",
        PredictionName::MuTilde => "mu_tilde",
    };
    let objective = match (model.objective, model.prediction) {
        (ObjectiveName::Bound, _) => "L",
        (ObjectiveName::Hybrid, _) => "L_hybrid",
        (ObjectiveName::ImportanceBound, _) => "L_vlb",
        (ObjectiveName::Simple, PredictionName::Eps) => "L_simple",
        (ObjectiveName::Simple, _) => "MSE",
    };
    let variance = match model.variance {
        VarianceName::FixedSmall => "fixed-small",
        VarianceName::FixedLarge => "fixed-large",
        VarianceName::Learned => "learned",
        VarianceName::LearnedRange => "learned-range",
    };
    let [prediction, objective, variance] = [prediction, objective, variance].map(str::to_owned);
    RowResult { id, label, prediction, objective, variance, published, seeds }
}
