//! A study's settings as values of the engine, and what it comes to as a study with names.

use super::grid::Named;
use super::{Cure, Entry, ExposureSettings, Search, Study, Tried};
use crate::methods::{Method, Methods};
use crate::progress::Terminal;
use crate::recipe::Recipe;
use crate::run::{Build, RunDirectory, RunError, Setup, build, plans, protocol};
use burn::tensor::Device;
use undrift_studies::exposure::{self, Exposure, ExposureResults};
use undrift_studies::{Finished, Study as _};

/// Runs a study: trains every row with every seed, searches constants on the tuning seeds, scores every sampler on the
/// others, and measures the bias along chains. What an earlier run has left is not done again. A row that fails does
/// not keep the others from being run: beside the study stands what kept each such row from its end.
///
/// # Errors
/// [`RunError::Interrupted`] after Ctrl-C; the next call goes on from there.
///
/// # Panics
/// For a recipe without rows, which [`Recipe::validate`] refuses.
pub fn run_study(
    methods: &Methods,
    directory: &RunDirectory,
    recipe: &Recipe,
    settings: &ExposureSettings,
    device_name: &str,
    device: &Device,
) -> Result<(Study, Vec<String>), RunError> {
    let study = exposure_of(methods, recipe, settings, device_name, device)?;
    let lines = protocol_of(methods, recipe, settings, &study.build, device)?;
    let distance = Setup::new(methods, &recipe.rows[0], device)?.distance;
    let Finished { results, failed } = study.run(directory, &Terminal)?;
    Ok((named(recipe, settings, distance, lines, results), failed))
}

/// A study's settings as values of the engine.
///
/// # Errors
/// Those of a chain.
pub fn exposure_of(
    methods: &Methods,
    recipe: &Recipe,
    settings: &ExposureSettings,
    device_name: &str,
    device: &Device,
) -> Result<Exposure<Method>, RunError> {
    Ok(Exposure {
        rows: plans(methods, recipe, device)?,
        seeds: recipe.seeds.clone(),
        tuning_seeds: settings.tuning_seeds.clone(),
        grid: Box::new(Named { methods: methods.clone(), settings: settings.clone() }),
        curve_steps: settings.curve_steps,
        curve_images: settings.curve_images,
        chain_lengths: settings.chain_lengths.clone(),
        build: build(device_name),
    })
}

/// The results with the names of their recipe.
fn named(
    recipe: &Recipe,
    settings: &ExposureSettings,
    distance: &str,
    mut protocol: Vec<(String, String)>,
    results: ExposureResults<Method>,
) -> Study {
    let commits = results.commits.into_iter();
    protocol.extend(commits.map(|(row, commits)| (format!("commit of the scores, {row}"), commits)));
    let (reference, counts) = results.held_out.unzip();
    Study {
        title: recipe.title.clone(),
        distance_name: distance.to_owned(),
        protocol,
        rows: recipe.rows.iter().map(|row| (row.id.clone(), row.label.clone())).collect(),
        seeds: recipe.seeds.clone(),
        failures: results.failures,
        entries: results.entries.into_iter().map(entry).collect(),
        searches: results.searches.into_iter().map(search).collect(),
        curves: results.curves,
        pictures: results.pictures,
        chain_lengths: results.chain_lengths,
        published: settings.published.clone(),
        notes: recipe.notes.clone(),
        reference,
        counts,
    }
}

fn entry(found: exposure::Entry<Method>) -> Entry {
    let exposure::Entry { row, solver, steps, cure, cures, scores, seconds } = found;
    Entry { row, solver, steps, cure: Cure::from(cure), wrappers: cures, scores, seconds }
}

fn search(found: exposure::Search<Method>) -> Search {
    let exposure::Search { row, solver, steps, cure, tried } = found;
    let tried = tried.into_iter().map(|one| Tried { wrappers: one.cures, distances: one.distances }).collect();
    Search { row, solver, steps, cure: Cure::from(cure), tried }
}

/// The protocol of the rows, with the study's own samplers.
fn protocol_of(
    methods: &Methods,
    recipe: &Recipe,
    settings: &ExposureSettings,
    build: &Build,
    device: &Device,
) -> Result<Vec<(String, String)>, RunError> {
    let mut lines = protocol(methods, recipe, std::slice::from_ref(build), device)?;
    lines.retain(|(name, _)| name != "bits/dim");
    if let Some((_, sampling)) = lines.iter_mut().find(|(name, _)| name == "sampling") {
        *sampling = settings.sampling_text(recipe.rows[0].settings.sampling.count);
    }
    let tuning = format!("{:?}, for training and sampling; none of them is reported", settings.tuning_seeds);
    lines.push(("tuning seeds".to_owned(), tuning));
    Ok(lines)
}
