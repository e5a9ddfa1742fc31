//! How an experiment was run, in words: without it no score can be compared with another.

use super::Build;
use crate::methods::{Methods, SamplerSettings};
use crate::recipe::{Built, Experiment, Recipe, Settings, WeightSet};
use burn::tensor::Device;
use std::collections::BTreeSet;
use undrift_report::numbers::chosen;
use undrift_studies::RunError;

/// Name and value of everything that a score depends on.
///
/// # Errors
/// Those of settings that are impossible.
pub fn protocol(
    methods: &Methods,
    recipe: &Recipe,
    builds: &[Build],
    device: &Device,
) -> Result<Vec<(String, String)>, RunError> {
    let mut lines = Vec::new();
    let mut say = |name: &str, value: String| lines.push((name.to_owned(), value));
    say("recipe", format!("{}, preset {}", recipe.name, recipe.preset));
    say("seeds", list(&recipe.seeds));
    if let Some(Experiment { settings, .. }) = recipe.rows.first() {
        let built = Built::of(methods, settings)?;
        let flip = if settings.data.flip { ", random horizontal flips" } else { ", no flips" };
        say("data", format!("{}{flip}, scaled to [-1, 1]", built.source.about));
        let about = methods.chains.about(&settings.chain);
        say("chain", format!("{}: {about}; T = {}", settings.chain, built.chain.len()));
        let parameters = built.network.parameter_count(device)?;
        say("network", format!("{} {parameters} parameters.", built.network.sentence()));
        say("training", training(settings));
        let others = recipe.rows.iter().map(|row| (row, changes(&row.settings)));
        for (row, changes) in others.filter(|(_, own)| *own != changes(settings)) {
            say(&format!("training, {}", row.id), format!("the same{changes}"));
        }
        say("weights", weights(settings));
        say("sampling", sampling(settings, built.chain.len()));
        say("scores", scores(settings, &built));
        say("bits/dim", bits_per_dim(settings));
    }
    say("version", list_of(builds, |b| format!("undrift {}, Burn {}", b.version, b.burn)));
    say("commit", list_of(builds, |b| b.commit.clone()));
    say("device", list_of(builds, |b| b.device.clone()));
    Ok(lines)
}

fn training(s: &Settings) -> String {
    let t = &s.training;
    format!(
        "{} steps of {} images, Adam (0.9, 0.999, epsilon 1e-8), learning rate {} after {} warm-up steps, global gradient norm at most {}",
        t.steps,
        t.batch,
        chosen(t.learning_rate),
        t.warm_up,
        chosen(t.clip)
    ) + &changes(s)
}

/// What training does beside the objective, where it does anything.
fn changes(s: &Settings) -> String {
    let t = &s.training;
    let named = [
        ("input perturbation gamma", t.input_perturbation),
        ("gradient penalty lambda", t.gradient_penalty),
        ("weight penalty lambda", t.weight_penalty),
    ];
    let named =
        named.into_iter().filter(|(_, value)| *value != 0.0).map(|(name, value)| format!(", {name} {}", chosen(value)));
    let model = [("weighting", &s.model.weighting, "uniform"), ("corruption", &s.model.corruption, "plain")];
    let model = model.into_iter().chain([("condition", &s.model.condition, "none")]);
    let model = model.filter(|(_, method, usual)| method.name != *usual);
    named.chain(model.map(|(name, method, _)| format!(", {name} {method}"))).collect()
}

fn weights(s: &Settings) -> String {
    let ema = s.training.ema;
    let ramp = if ema.ramp { " with ramp min(decay, (1 + n) / (10 + n))" } else { " without ramp" };
    let names: Vec<&str> = s
        .sampling
        .weights
        .iter()
        .map(|set| match set {
            WeightSet::Ema => "EMA",
            WeightSet::Raw => "raw",
        })
        .collect();
    format!("{} (EMA decay {}{ramp}), of the last step; bits/dim with EMA", names.join(" and "), chosen(ema.decay))
}

fn sampling(s: &Settings, length: usize) -> String {
    let sampler = &s.sampling.sampler;
    if *sampler == SamplerSettings::ancestral() {
        return format!(
            "{} samples, ancestral over all {length} levels t = {length}, .., 1 ({length} network evaluations each), x0 clipped to [-1, 1], rounded to 8 bits",
            s.sampling.count
        );
    }
    format!("{} samples, {}, rounded to 8 bits", s.sampling.count, sampler.text())
}

fn scores(s: &Settings, built: &Built) -> String {
    let about = built.scored.about;
    match built.scored.extractor {
        Some(_) => format!(
            "{about}; reference set: all training images, unflipped; inception score over {} splits",
            s.metrics.splits
        ),
        None => about.to_owned(),
    }
}

fn bits_per_dim(s: &Settings) -> String {
    match s.metrics.bits_per_dim_images {
        0 => "not computed".to_owned(),
        n => format!("first {n} test images, x0 clipped, one noise draw per level, variance of the row"),
    }
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn list_of(builds: &[Build], field: impl Fn(&Build) -> String) -> String {
    let values: BTreeSet<String> = builds.iter().map(field).collect();
    values.into_iter().collect::<Vec<_>>().join("; ")
}
