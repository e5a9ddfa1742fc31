//! A study from start to finish.

use super::curves::{chain_lengths, curves};
use super::search::search;
use super::trained::TrainedRow;
use super::{Cure, Entry, ExposureSettings, Search, Study};
use crate::methods::{Method, Methods};
use crate::progress::Terminal;
use crate::recipe::{Experiment, Recipe};
use crate::run::{Build, Data, RunDirectory, RunError, Setup, build, protocol};
use burn::tensor::Device;
use std::collections::BTreeSet;

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
    let build = build(device_name);
    let first = Setup::new(methods, &recipe.rows[0], device)?;
    let data = Data::load(directory, &first)?;
    let samples = first.settings.sampling.count;
    let reference = data.reference.as_ref().map(|reference| reference.score_held_out(&data.test, samples));
    let (reference, counts) = reference.transpose()?.unzip();
    let mut study = Study {
        title: recipe.title.clone(),
        distance_name: first.distance.to_owned(),
        protocol: protocol_of(methods, recipe, settings, &build, device)?,
        rows: recipe.rows.iter().map(|row| (row.id.clone(), row.label.clone())).collect(),
        seeds: recipe.seeds.clone(),
        failures: Vec::new(),
        entries: Vec::new(),
        searches: Vec::new(),
        curves: Vec::new(),
        pictures: Vec::new(),
        chain_lengths: Vec::new(),
        published: settings.published.clone(),
        reference,
        counts,
    };
    let mut failed = Vec::new();
    for row in &recipe.rows {
        let setup = Setup::new(methods, row, device)?;
        let parts = Parts { directory, row, setup: &setup, data: &data, settings, build: &build };
        match parts.run(&recipe.seeds, &mut study) {
            Err(RunError::Interrupted) => return Err(RunError::Interrupted),
            Err(error) => failed.push(format!("row `{}`: {error}", row.id)),
            Ok(()) => {}
        }
    }
    study.failures.extend(failed.clone());
    Ok((study, failed))
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

/// Solver, steps, cure and its constants.
type ScoredSampler = (Method, usize, Cure, Vec<Method>);

/// What the stages of one row share.
struct Parts<'a> {
    directory: &'a RunDirectory,
    row: &'a Experiment,
    setup: &'a Setup,
    data: &'a Data,
    settings: &'a ExposureSettings,
    build: &'a Build,
}

impl<'a> Parts<'a> {
    /// The whole row.
    fn run(&self, seeds: &[u64], study: &mut Study) -> Result<(), RunError> {
        let searches = self.searches(&mut study.failures)?;
        study.searches.extend(searches.clone());
        self.score(seeds, &searches, study)
    }

    /// The networks of some seeds; those that diverged are noted.
    fn networks(&self, seeds: &[u64], failures: &mut Vec<String>) -> Result<Vec<TrainedRow<'a>>, RunError> {
        let mut networks = Vec::new();
        for &seed in seeds {
            match TrainedRow::new(self.directory, self.setup, self.data, seed, &self.build.commit, &Terminal)? {
                Ok(network) => networks.push(network),
                Err(why) => failures.push(format!("{}, seed {seed}: {why}", self.row.label)),
            }
        }
        Ok(networks)
    }

    /// The constants of every cure; lists of a single choice are taken without a search.
    fn searches(&self, failures: &mut Vec<String>) -> Result<Vec<Search>, RunError> {
        let search_needed = self.settings.has_choices();
        let seeds = if search_needed { self.settings.tuning_seeds.as_slice() } else { &[] };
        let mut networks = self.networks(seeds, failures)?;
        let mut all = Vec::new();
        for (solver, steps) in self.settings.cured() {
            let at = (self.row.id.as_str(), solver, steps);
            let mut run = |cure, fixed: &[Method]| search(self.settings, &mut networks, at, cure, fixed);
            all.push(run(Cure::EpsilonScaling, &[])?);
            let shift = run(Cure::TimeShift, &[])?;
            let best = shift.best().map(|tried| tried.wrappers.clone());
            all.push(shift);
            if let Some(best) = best {
                all.push(run(Cure::Both, &best)?);
            }
        }
        let unscored = all.iter().filter(|search| search.best().is_none());
        failures.extend(unscored.map(|search| {
            let (label, cure) = (&self.row.label, search.cure.label());
            format!("{label}: no constants of {cure} for {} at {} steps gave samples", search.solver, search.steps)
        }));
        Ok(all)
    }

    /// Scores of every sampler, with the constants that the searches found; curves of the first seed.
    fn score(&self, seeds: &[u64], searches: &[Search], study: &mut Study) -> Result<(), RunError> {
        let mut networks = self.networks(seeds, &mut study.failures)?;
        let (count, mut commits) = (networks.len() as f64, BTreeSet::new());
        for (solver, steps, cure, wrappers) in self.samplers(searches) {
            let sampler = self.settings.sampler(&solver, steps, &wrappers);
            let (mut scores, mut seconds) = (vec![None; seeds.len()], 0.0);
            for network in &mut networks {
                let scored = network.scores(&sampler)?;
                seconds += scored.seconds / count;
                commits.insert(scored.commit);
                if scored.scores.is_none() && self.data.reference.is_some() {
                    study.failures.push(format!("{}: samples of {} are not finite", network.name, sampler.text()));
                }
                let at = seeds.iter().position(|&seed| seed == network.seed);
                scores[at.expect("networks are of these seeds")] = scored.scores;
            }
            let (row, solver) = (self.row.id.clone(), solver.to_string());
            study.entries.push(Entry { row, solver, steps, cure, wrappers, scores, seconds });
        }
        let commits = commits.into_iter().filter(|commit| !commit.is_empty()).collect::<Vec<_>>().join(", ");
        study.protocol.push((format!("commit of the scores, {}", self.row.id), commits));
        if let Some(network) = networks.first_mut() {
            study.curves.extend(curves(network, self.settings, searches, self.data, &mut study.failures)?);
            study.pictures.extend(self.pictures(network, searches)?);
            if self.data.reference.is_some() {
                study.chain_lengths.extend(chain_lengths(network, self.settings)?);
            }
        }
        Ok(())
    }

    /// Samples at the smallest number of cured steps, without and with both cures.
    fn pictures(&self, network: &TrainedRow<'_>, searches: &[Search]) -> Result<Vec<(String, String)>, RunError> {
        let mut all = Vec::new();
        let fewest = self.settings.cured_steps.iter().min().copied();
        for (solver, steps, cure, wrappers) in self.samplers(searches) {
            if Some(steps) == fewest && matches!(cure, Cure::Plain | Cure::Both) {
                let Some(name) = network.picture(&self.settings.sampler(&solver, steps, &wrappers))? else { continue };
                let file = format!("{}/seed-{}/{name}", self.row.id, network.seed);
                all.push((format!("{}, {solver}, {steps} steps, {}", self.row.label, cure.label()), file));
            }
        }
        Ok(all)
    }

    /// Solver, steps, cure and constants of everything that is scored.
    fn samplers(&self, searches: &[Search]) -> Vec<ScoredSampler> {
        let mut all = Vec::new();
        for solver in &self.settings.solvers {
            for &steps in &self.settings.steps {
                all.push((solver.clone(), steps, Cure::Plain, Vec::new()));
                let of_this = |search: &&Search| search.solver == solver.to_string() && search.steps == steps;
                let found = searches.iter().filter(of_this).filter_map(|search| Some((search.cure, search.best()?)));
                all.extend(found.map(|(cure, best)| (solver.clone(), steps, cure, best.wrappers.clone())));
            }
        }
        all
    }
}
