//! Combinations of chain, prediction, weighting and sampler that could not be trained or sampled.

use super::validate::rule;
use super::{Experiment, Recipe, RecipeError, Settings};
use crate::methods::{Outputs, SamplerSettings};
use crate::registry;
use serde::Serialize;
use undrift_denoisers::Parameterisation;
use undrift_losses::Weighting;
use undrift_schedules::Chain;

/// A row's settings as values, as far as they decide what can be asked of its network.
pub(super) struct Asked {
    chain: Chain,
    parameterisation: Box<dyn Parameterisation>,
}

impl Asked {
    /// The values of a row.
    pub(super) fn of(row: &Experiment) -> Result<Self, RecipeError> {
        let s = &row.settings;
        let chain = registry::chain(&s.chain).map_err(|source| RecipeError::Chain { row: row.id.clone(), source })?;
        let parameterisation = registry::parameterisation(s.model.prediction, &chain);
        Ok(Asked { chain, parameterisation })
    }

    /// The forward process.
    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    fn outputs(&self, s: &Settings) -> Outputs<'_> {
        Outputs { parameterisation: &*self.parameterisation, variance: registry::output_variance(s.model.variance) }
    }

    /// Runs a sampler over its grid with a network of the row's kind.
    pub(super) fn check_sampler(
        &self,
        row: &Experiment,
        field: &'static str,
        sampler: &SamplerSettings,
    ) -> Result<(), RecipeError> {
        let variance = registry::variance(row.settings.model.variance);
        let built = sampler.build_for(&self.chain, variance, self.outputs(&row.settings));
        built.map(drop).map_err(|source| RecipeError::Sampler { row: row.id.clone(), field, source })
    }

    /// What a sampler makes of a network of the row's kind; none where that depends on the samples.
    pub(super) fn fingerprint(&self, row: &Experiment, sampler: &SamplerSettings) -> Option<Vec<u64>> {
        let variance = registry::variance(row.settings.model.variance);
        sampler.fingerprint(&self.chain, variance, self.outputs(&row.settings)).ok().flatten()
    }

    /// Every level that training draws must say what the network is to answer there.
    pub(super) fn check_levels(&self, row: &Experiment) -> Result<(), RecipeError> {
        let s = &row.settings;
        let weighting = registry::weighting(s.model.weighting);
        for &level in self.chain.levels() {
            let p = &*self.parameterisation;
            let asked = p.x0_of(level).and(p.eps_of(level)).and(p.target_of(level));
            let refused = asked.err().map(|error| error.to_string());
            let field = "model.prediction";
            rule(row, field, word(&s.model.prediction), refused.is_none(), refused.unwrap_or_default())?;
            let weight = weighting.weight(p, level);
            let fine = weight.as_ref().is_ok_and(|weight| weight.is_finite());
            let at = format!("it weighs the level of time {} with {weight:?}", level.time());
            let refused = weight.err().map_or(at, |error| error.to_string());
            rule(row, "model.weighting", weighting_text(weighting), fine, refused)?;
        }
        Ok(())
    }
}

/// Refuses two rows that differ in their names alone: both would train, draw and score the same.
pub(super) fn check_twins(recipe: &Recipe) -> Result<(), RecipeError> {
    for (index, row) in recipe.rows.iter().enumerate() {
        for before in &recipe.rows[..index] {
            if same_results(before, row)? {
                let accepted =
                    format!("it gives the samples of row `{}`, byte for byte: remove one of them", before.id);
                let sampler = row.settings.sampling.sampler.text();
                rule(row, "sampling.sampler", format!("`{sampler}`"), false, accepted)?;
            }
        }
    }
    Ok(())
}

/// Whether two rows of a table come to the same numbers.
fn same_results(one: &Experiment, other: &Experiment) -> Result<bool, RecipeError> {
    let (a, b) = (&one.settings, &other.settings);
    let bound = a.model.variance == b.model.variance || a.metrics.bits_per_dim_images == 0;
    let drawn = (a.sampling.count, &a.sampling.weights) == (b.sampling.count, &b.sampling.weights);
    if !(a.other_training(b).is_empty() && a.data == b.data && bound && drawn && a.metrics == b.metrics) {
        return Ok(false);
    }
    if a.samples_alike(b) {
        return Ok(true);
    }
    let end = |row: &Experiment| Ok(Asked::of(row)?.fingerprint(row, &row.settings.sampling.sampler));
    let (one, other) = (end(one)?, end(other)?);
    Ok(one.is_some() && one == other)
}

/// A name as a recipe writes it.
fn word(name: &impl Serialize) -> String {
    toml::Value::try_from(name).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn weighting_text(weighting: Weighting) -> String {
    format!("{weighting:?}")
}
