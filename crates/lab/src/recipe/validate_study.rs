//! Values of a study of exposure bias that no run could use.

use super::validate::{rule, whole};
use super::{Experiment, Extractor, Recipe, RecipeError};
use crate::exposure::ExposureSettings;
use crate::registry;
use std::collections::BTreeSet;

/// Checks a study's own settings, and every sampler that it will build, for every row.
pub(super) fn check_study(recipe: &Recipe, study: &ExposureSettings) -> Result<(), RecipeError> {
    let seeds = &study.tuning_seeds;
    let apart = !seeds.is_empty() && seeds.iter().all(|seed| !recipe.seeds.contains(seed));
    let accepted = "constants need at least one seed to be searched on, and none of `seeds`";
    whole("exposure.tuning_seeds", format!("{seeds:?}"), apart, accepted)?;
    check_lists(study)?;
    recipe.rows.iter().try_for_each(|row| check_row(recipe, study, row))
}

fn check_lists(study: &ExposureSettings) -> Result<(), RecipeError> {
    let some = |field, empty: bool| whole(field, "[]", !empty, "a study needs at least one of them");
    some("exposure.solvers", study.solvers.is_empty())?;
    some("exposure.steps", study.steps.is_empty())?;
    some("exposure.scales", study.scales.is_empty())?;
    some("exposure.windows", study.windows.is_empty())?;
    some("exposure.cutoffs", study.cutoffs.is_empty())?;
    let once = study.steps.iter().collect::<BTreeSet<_>>().len() == study.steps.len();
    whole("exposure.steps", format!("{:?}", study.steps), once, "each number of steps stands there once")?;
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

fn check_row(recipe: &Recipe, study: &ExposureSettings, row: &Experiment) -> Result<(), RecipeError> {
    let s = &row.settings;
    let chain = registry::chain(&s.chain).map_err(|source| RecipeError::Chain { row: row.id.clone(), source })?;
    let first = &recipe.rows[0].settings;
    let same = first.data == s.data && first.metrics == s.metrics;
    rule(row, "data", "another", same, "the rows of a study share `data` and `metrics`, or nothing is compared")?;
    for (field, levels) in [("exposure.chain_lengths", &study.chain_lengths), ("exposure.cutoffs", &study.cutoffs)] {
        let inside = levels.iter().all(|t| (1..=chain.len()).contains(t));
        rule(row, field, format!("{levels:?}"), inside, format!("each is a level in 1..={}", chain.len()))?;
    }
    let scored = s.metrics.extractor != Extractor::None || !study.has_choices();
    let accepted = "without scores nothing can be searched: give one of `scales`, `windows` and `cutoffs` each";
    rule(row, "metrics.extractor", "none", scored, accepted)?;
    for sampler in study.samplers() {
        let built = sampler.build(&chain, registry::variance(s.model.variance));
        built.map_err(|source| RecipeError::Sampler { row: row.id.clone(), source })?;
    }
    Ok(())
}
