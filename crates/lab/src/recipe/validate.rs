//! Values that no run could use, found before anything starts.

use super::limits::{check_sizes, check_texts};
use super::validate_model::{Asked, check_twins};
use super::validate_study::check_study;
use super::{Experiment, Recipe, RecipeError, Settings};
use crate::methods::Methods;
use std::collections::BTreeSet;
use undrift_report::numbers::chosen;
use undrift_studies::Conditioning;
use undrift_studies::memory;

impl Recipe {
    /// Checks the recipe as a whole, and every row: what it accepts can be trained, sampled and scored.
    ///
    /// # Errors
    /// The first impossible value, with the rule that it breaks.
    pub fn validate(&self, methods: &Methods) -> Result<(), RecipeError> {
        self.validate_names()?;
        self.rows.iter().try_for_each(|row| check(methods, row))?;
        match &self.exposure {
            Some(study) => check_study(methods, self, study),
            None => check_twins(methods, self),
        }
    }

    /// Checks what a run directory stands on: rows, seeds and the names of folders. Rows that could not be trained or
    /// sampled today do not keep the results of others from being read.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn validate_names(&self) -> Result<(), RecipeError> {
        let folder = "it names a folder and is made of letters, digits and `-`";
        whole("name", &self.name, names_a_folder(&self.name), folder)?;
        whole("preset", &self.preset, names_a_folder(&self.preset), folder)?;
        whole("rows", "[]", !self.rows.is_empty(), "a recipe needs at least one row")?;
        let seeds: BTreeSet<u64> = self.seeds.iter().copied().collect();
        let fine = !seeds.is_empty() && seeds.len() == self.seeds.len();
        whole("seeds", format!("{:?}", self.seeds), fine, "a run needs at least one seed, and each once")?;
        let mut seen = BTreeSet::new();
        check_texts(self)?;
        self.rows.iter().try_for_each(|row| {
            let fine = names_a_folder(&row.id);
            rule(row, "id", &row.id, fine, "an id is made of letters, digits and `-`, since it names a folder")?;
            rule(row, "id", &row.id, seen.insert(&row.id), "every row needs an id of its own")
        })
    }
}

fn names_a_folder(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

pub(super) fn whole(
    field: &'static str,
    value: impl ToString,
    holds: bool,
    rule: &'static str,
) -> Result<(), RecipeError> {
    if holds { Ok(()) } else { Err(RecipeError::ImpossibleWhole { field, value: value.to_string(), rule }) }
}

pub(super) fn rule(
    row: &Experiment,
    field: &'static str,
    value: impl ToString,
    holds: bool,
    rule: impl Into<String>,
) -> Result<(), RecipeError> {
    if holds {
        return Ok(());
    }
    Err(RecipeError::Impossible { row: row.id.clone(), field, value: value.to_string(), rule: rule.into() })
}

fn check(methods: &Methods, row: &Experiment) -> Result<(), RecipeError> {
    let s = &row.settings;
    let asked = Asked::of(methods, row)?;
    check_sizes(row, &asked.built, memory::total())?;
    check_training(row, s)?;
    asked.check_levels()?;
    asked.check_sampler("sampling.sampler", &s.sampling.sampler)?;
    check_measures(row, &asked)
}

fn check_training(row: &Experiment, s: &Settings) -> Result<(), RecipeError> {
    let t = &s.training;
    rule(row, "training.steps", t.steps, t.steps > 0, "training needs at least one step")?;
    rule(row, "training.batch", t.batch, t.batch > 0, "a batch needs at least one image")?;
    let rate = t.learning_rate;
    rule(row, "training.learning_rate", chosen(rate), rate > 0.0 && rate.is_finite(), "a learning rate is above 0")?;
    rule(
        row,
        "training.clip",
        chosen(t.clip),
        t.clip > 0.0 && t.clip.is_finite(),
        "the largest gradient norm is above 0",
    )?;
    for (field, value) in [
        ("training.input_perturbation", t.input_perturbation),
        ("training.gradient_penalty", t.gradient_penalty),
        ("training.weight_penalty", t.weight_penalty),
    ] {
        rule(row, field, chosen(value), value >= 0.0 && value.is_finite(), "it is finite and not negative; 0 is none")?;
    }
    let decay = t.ema.decay;
    rule(row, "training.ema.decay", chosen(decay), (0.0..1.0).contains(&decay), "a decay lies in [0, 1)")?;
    rule(
        row,
        "training.checkpoint_every",
        t.checkpoint_every,
        t.checkpoint_every > 0,
        "it is a number of steps above 0",
    )?;
    rule(row, "training.log_every", t.log_every, t.log_every > 0, "it is a number of steps above 0")
}

fn check_measures(row: &Experiment, asked: &Asked<'_>) -> Result<(), RecipeError> {
    let (m, p, built) = (&row.settings.metrics, &row.settings.sampling, &asked.built);
    rule(row, "sampling.count", p.count, p.count > 0, "at least one sample is drawn")?;
    rule(row, "sampling.batch", p.batch, p.batch > 0, "samples are drawn at least one at a time")?;
    rule(row, "sampling.weights", "[]", !p.weights.is_empty(), "choose \"ema\", \"raw\" or both")?;
    let fine = built.conditioning == Conditioning::None || m.bits_per_dim_images == 0;
    let why = "bits per dimension are computed for networks that are told nothing; choose 0";
    rule(row, "metrics.bits_per_dim_images", m.bits_per_dim_images, fine, why)?;
    if let Some(reads) = built.scored.reads {
        let fits = built.source.shape == reads;
        let [channels, height, width] = reads;
        let why = format!("it reads {channels}x{height}x{width} images; use \"none\"");
        rule(row, "metrics.extractor", &m.extractor, fits, why)?;
    }
    if built.scored.extractor.is_some() {
        rule(row, "sampling.count", p.count, p.count >= 2, "the Frechet distance needs at least two samples")?;
        let fine = (1..=p.count).contains(&m.splits);
        rule(row, "metrics.splits", m.splits, fine, format!("it lies in 1..={} (sampling.count)", p.count))?;
    }
    Ok(())
}
