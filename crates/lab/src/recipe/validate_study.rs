//! Values of a study of exposure bias that no run could use.

use super::validate::{rule, whole};
use super::validate_model::Asked;
use super::{Experiment, Recipe, RecipeError};
use crate::exposure::ExposureSettings;
use crate::methods::{Method, Methods};
use std::collections::BTreeSet;
use undrift_studies::Conditioning;

/// Checks a study's own settings, and every sampler that it will build, for every row.
pub(super) fn check_study(methods: &Methods, recipe: &Recipe, study: &ExposureSettings) -> Result<(), RecipeError> {
    let seeds = &study.tuning_seeds;
    let apart = !seeds.is_empty() && seeds.iter().all(|seed| !recipe.seeds.contains(seed));
    let accepted = "constants need at least one seed to be searched on, and none of `seeds`";
    whole("exposure.tuning_seeds", format!("{seeds:?}"), apart, accepted)?;
    once("exposure.tuning_seeds", seeds)?;
    check_lists(study)?;
    recipe.rows.iter().try_for_each(|row| check_row(methods, recipe, study, row))
}

fn check_lists(study: &ExposureSettings) -> Result<(), RecipeError> {
    let some = |field, empty: bool| whole(field, "[]", !empty, "a study needs at least one of them");
    some("exposure.solvers", study.solvers.is_empty())?;
    some("exposure.steps", study.steps.is_empty())?;
    some("exposure.scales", study.scales.is_empty())?;
    some("exposure.windows", study.windows.is_empty())?;
    some("exposure.cutoffs", study.cutoffs.is_empty())?;
    once("exposure.steps", &study.steps)?;
    once("exposure.cured_steps", &study.cured_steps)?;
    once("exposure.chain_lengths", &study.chain_lengths)?;
    once("exposure.cutoffs", &study.cutoffs)?;
    let scales: BTreeSet<u64> = study.scales.iter().map(|scale| scale.to_bits()).collect();
    let apart = scales.len() == study.scales.len();
    whole("exposure.scales", format!("{:?}", study.scales), apart, "each of them stands there once")?;
    let halves: BTreeSet<usize> = study.windows.iter().map(|window| window / 2).collect();
    let accepted = "half a window, rounded down, lies on each side, and no two may reach as far";
    whole("exposure.windows", format!("{:?}", study.windows), halves.len() == study.windows.len(), accepted)?;
    let names: BTreeSet<String> = study.solvers.iter().map(ToString::to_string).collect();
    let listed = names.iter().cloned().collect::<Vec<_>>().join(", ");
    whole("exposure.solvers", listed, names.len() == study.solvers.len(), "each solver stands there once")?;
    let listed = study.cured_steps.iter().all(|steps| study.steps.contains(steps));
    let accepted = "each of them must be among `exposure.steps`";
    whole("exposure.cured_steps", format!("{:?}", study.cured_steps), listed, accepted)?;
    let images = study.curve_images;
    whole("exposure.curve_images", images, images >= 2, "a deviation needs at least two images")?;
    let accepted = "the curves of the cures need their constants: choose one of `exposure.cured_steps`";
    let fine = study.cured_steps.is_empty() || study.cured_steps.contains(&study.curve_steps);
    whole("exposure.curve_steps", study.curve_steps, fine, accepted)
}

fn once<T: Ord + std::fmt::Debug>(field: &'static str, list: &[T]) -> Result<(), RecipeError> {
    let each = list.iter().collect::<BTreeSet<_>>().len() == list.len();
    whole(field, format!("{list:?}"), each, "each of them stands there once")
}

fn check_row(
    methods: &Methods,
    recipe: &Recipe,
    study: &ExposureSettings,
    row: &Experiment,
) -> Result<(), RecipeError> {
    let (s, asked) = (&row.settings, Asked::of(methods, row)?);
    let length = asked.built.chain.len();
    let first = &recipe.rows[0].settings;
    let same = first.data == s.data && first.metrics == s.metrics;
    rule(row, "data", "another", same, "the rows of a study share `data` and `metrics`, or nothing is compared")?;
    for (field, least, levels) in [
        ("exposure.chain_lengths", 1, &study.chain_lengths),
        ("exposure.cutoffs", 1, &study.cutoffs),
        ("exposure.windows", 0, &study.windows),
        ("exposure.steps", 1, &study.steps),
        ("exposure.curve_steps", 1, &vec![study.curve_steps]),
    ] {
        let inside = levels.iter().all(|t| (least..=length).contains(t));
        let accepted = format!("each lies in {least}..={length}, the levels of the chain");
        rule(row, field, format!("{levels:?}"), inside, accepted)?;
    }
    let told = asked.built.conditioning == Conditioning::None;
    rule(
        row,
        "model.condition",
        &s.model.condition,
        told,
        "a study compares networks that are told nothing; choose `none`",
    )?;
    let scored = asked.built.scored.extractor.is_some() || !study.has_choices();
    let accepted = "without scores nothing can be searched: give one of `scales`, `windows` and `cutoffs` each";
    rule(row, "metrics.extractor", "none", scored, accepted)?;
    for (field, sampler) in study.samplers() {
        asked.check_sampler(field, &sampler)?;
    }
    check_twins(study, row, &asked)
}

/// Refuses solvers that are the same under two names: nothing would be compared.
fn check_twins(study: &ExposureSettings, row: &Experiment, asked: &Asked<'_>) -> Result<(), RecipeError> {
    let most = study.steps.iter().max().copied().unwrap_or(1);
    let mut seen: Vec<(&Method, Vec<u64>)> = Vec::new();
    for solver in &study.solvers {
        let Some(end) = asked.fingerprint(&study.sampler(solver, most, &[])) else { continue };
        if let Some((before, _)) = seen.iter().find(|(_, other)| *other == end) {
            let accepted = format!("it gives the samples of `{before}`, byte for byte: remove one of them");
            rule(row, "exposure.solvers", format!("`{solver}`"), false, accepted)?;
        }
        seen.push((solver, end));
    }
    Ok(())
}
