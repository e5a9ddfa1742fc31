//! Combinations of chain, prediction, weighting and sampler that could not be trained or sampled.

use super::validate::rule;
use super::{Built, Experiment, Recipe, RecipeError};
use crate::methods::{Methods, SamplerSettings};
use undrift_denoisers::Parameterisation;
use undrift_losses::Weigh;

/// A row with its settings as values.
pub(super) struct Asked<'a> {
    methods: &'a Methods,
    row: &'a Experiment,
    /// The values.
    pub(super) built: Built,
}

impl<'a> Asked<'a> {
    /// The values of a row.
    pub(super) fn of(methods: &'a Methods, row: &'a Experiment) -> Result<Self, RecipeError> {
        let built = Built::of(methods, &row.settings).map_err(|misfit| RecipeError::Method {
            row: row.id.clone(),
            field: misfit.field,
            source: Box::new(misfit.source),
        })?;
        Ok(Asked { methods, row, built })
    }

    /// Runs a sampler over its grid with a network of the row's kind.
    pub(super) fn check_sampler(&self, field: &'static str, sampler: &SamplerSettings) -> Result<(), RecipeError> {
        let Built { chain, variance, .. } = &self.built;
        let built = sampler.build(self.methods, chain, variance.steps, self.built.outputs());
        built.map(drop).map_err(|source| RecipeError::Method {
            row: self.row.id.clone(),
            field,
            source: Box::new(source),
        })
    }

    /// What a sampler makes of a network of the row's kind; none where that depends on the samples.
    pub(super) fn fingerprint(&self, sampler: &SamplerSettings) -> Option<Vec<u64>> {
        let Built { chain, variance, .. } = &self.built;
        sampler.fingerprint(self.methods, chain, variance.steps, self.built.outputs()).ok().flatten()
    }

    /// Every level that training draws must say what the network is to answer there.
    pub(super) fn check_levels(&self) -> Result<(), RecipeError> {
        let (row, model) = (self.row, &self.row.settings.model);
        let p: &dyn Parameterisation = &*self.built.parameterisation;
        for &level in self.built.chain.levels() {
            let asked = p.x0_of(level).and(p.eps_of(level)).and(p.target_of(level));
            let refused = asked.err().map(|error| error.to_string());
            rule(row, "model.prediction", &model.prediction, refused.is_none(), refused.unwrap_or_default())?;
            let weight = self.built.weighting.weight(p, level);
            let fine = weight.as_ref().is_ok_and(|weight| weight.is_finite());
            let at = format!("it weighs the level of time {} with {weight:?}", level.time());
            let refused = weight.err().map_or(at, |error| error.to_string());
            rule(row, "model.weighting", &model.weighting, fine, refused)?;
        }
        Ok(())
    }
}

/// Refuses two rows that differ in their names alone: both would train, draw and score the same.
pub(super) fn check_twins(methods: &Methods, recipe: &Recipe) -> Result<(), RecipeError> {
    for (index, row) in recipe.rows.iter().enumerate() {
        for before in &recipe.rows[..index] {
            if same_results(methods, before, row)? {
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
fn same_results(methods: &Methods, one: &Experiment, other: &Experiment) -> Result<bool, RecipeError> {
    let (a, b) = (&one.settings, &other.settings);
    let bound = a.model.variance == b.model.variance || a.metrics.bits_per_dim_images == 0;
    let drawn = (a.sampling.count, &a.sampling.weights) == (b.sampling.count, &b.sampling.weights);
    if !(a.other_training(b).is_empty() && a.data == b.data && bound && drawn && a.metrics == b.metrics) {
        return Ok(false);
    }
    if a.samples_alike(b) {
        return Ok(true);
    }
    let end = |row: &Experiment| Ok(Asked::of(methods, row)?.fingerprint(&row.settings.sampling.sampler));
    let (one, other) = (end(one)?, end(other)?);
    Ok(one.is_some() && one == other)
}
