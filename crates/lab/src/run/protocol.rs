//! How an experiment was run, in words: without it no score can be compared with another.

use super::Build;
use crate::methods::SamplerSettings;
use crate::recipe::{
    ChainSettings, DataSet, DataSettings, Experiment, Extractor, Recipe, Settings, WeightSet, WeightingSettings,
};
use std::collections::BTreeSet;
use undrift_networks::NetworkError;
use undrift_report::numbers::chosen;

/// Name and value of everything that a score depends on.
///
/// # Errors
/// Those of an impossible network.
pub fn protocol(recipe: &Recipe, builds: &[Build]) -> Result<Vec<(String, String)>, NetworkError> {
    let mut lines = Vec::new();
    let mut say = |name: &str, value: String| lines.push((name.to_owned(), value));
    say("recipe", format!("{}, preset {}", recipe.name, recipe.preset));
    say("seeds", list(&recipe.seeds));
    if let Some(Experiment { settings, .. }) = recipe.rows.first() {
        say("data", data(&settings.data));
        say("chain", chain(&settings.chain));
        say("network", network(settings)?);
        say("training", training(settings));
        let others = recipe.rows.iter().map(|row| (row, changes(&row.settings)));
        for (row, changes) in others.filter(|(_, own)| *own != changes(settings)) {
            say(&format!("training, {}", row.id), format!("the same{changes}"));
        }
        say("weights", weights(settings));
        say("sampling", sampling(settings));
        say("scores", scores(settings));
        say("bits/dim", bits_per_dim(settings));
    }
    say("version", list_of(builds, |b| format!("undrift {}, Burn {}", b.version, b.burn)));
    say("commit", list_of(builds, |b| b.commit.clone()));
    say("device", list_of(builds, |b| b.device.clone()));
    Ok(lines)
}

fn data(data: &DataSettings) -> String {
    let set = match data.set {
        DataSet::FashionMnistSample => {
            "Fashion-MNIST, the embedded sample (first 10,000 training and 1,000 test images)"
        }
        DataSet::FashionMnistIdx => "Fashion-MNIST (IDX files)",
        DataSet::Cifar10 => "CIFAR-10 (binary version)",
    };
    let reduced = if data.reduced { ", reduced to 16x16 (zero-pad to 32x32, 2x2 mean, rounded)" } else { "" };
    let flip = if data.flip { ", random horizontal flips" } else { ", no flips" };
    format!("{set}{reduced}{flip}, scaled to [-1, 1]")
}

fn chain(chain: &ChainSettings) -> String {
    let kind = match chain {
        ChainSettings::Linear { .. } => "linear, beta 1e-4 to 0.02".to_owned(),
        ChainSettings::LinearBetween { start, end, .. } => format!("linear, {}", between(*start, *end)),
        ChainSettings::LinearScaled { .. } => "linear, beta 1e-4 to 0.02 times 1000/T".to_owned(),
        ChainSettings::Cosine { .. } => "cosine (s = 0.008, betas at most 0.999)".to_owned(),
        ChainSettings::Quadratic { start, end, .. } => format!("quadratic, {}", between(*start, *end)),
        ChainSettings::ScaledLinear { start, end, .. } => format!("scaled linear, {}", between(*start, *end)),
        ChainSettings::Sigmoid { start, end, .. } => format!("sigmoid, {}", between(*start, *end)),
        ChainSettings::Constant { beta, .. } => format!("constant, beta {}", chosen(*beta)),
        ChainSettings::Jsd { .. } => "jsd, beta 1/T to 1".to_owned(),
        ChainSettings::WarmUp { start, end, fraction, .. } => {
            format!("warm-up, {} over the first {} of the steps", between(*start, *end), chosen(*fraction))
        }
        ChainSettings::Betas { .. } => "betas as listed in the recipe".to_owned(),
        ChainSettings::ZeroTerminalSnr { of } => return format!("{}, rescaled to zero terminal SNR", self::chain(of)),
    };
    format!("{kind}, T = {}", chain.length())
}

fn between(start: f64, end: f64) -> String {
    format!("beta {} to {}", chosen(start), chosen(end))
}

fn network(s: &Settings) -> Result<String, NetworkError> {
    let n = &s.network;
    Ok(format!(
        "DDPM U-Net, base {}, multipliers {}, {} residual block(s) per level, attention {}, {} groups, dropout {}, {} parameters",
        n.base,
        list(&n.multipliers),
        n.blocks,
        attention(&n.attention),
        n.groups,
        chosen(n.dropout),
        crate::registry::parameter_count(s)?,
    ))
}

fn attention(resolutions: &[usize]) -> String {
    if resolutions.is_empty() {
        "in the middle only".to_owned()
    } else {
        format!("in the middle and at {}", list(resolutions))
    }
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
    let weighting = match s.model.weighting {
        WeightingSettings::Uniform => String::new(),
        other => format!(", weighting {other:?}"),
    };
    named.collect::<String>() + &weighting
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

fn sampling(s: &Settings) -> String {
    let (length, sampler) = (s.chain.length(), &s.sampling.sampler);
    if *sampler == SamplerSettings::ancestral() {
        return format!(
            "{} samples, ancestral over all {length} levels t = {length}, .., 1 ({length} network evaluations each), x0 clipped to [-1, 1], rounded to 8 bits",
            s.sampling.count
        );
    }
    format!("{} samples, {}, rounded to 8 bits", s.sampling.count, sampler.text())
}

fn scores(s: &Settings) -> String {
    match s.metrics.extractor {
        Extractor::FashionMnist => format!(
            "features and class probabilities of the embedded Fashion-MNIST classifier; reference set: all training images, unflipped; inception score over {} splits",
            s.metrics.splits
        ),
        Extractor::None => "none: this build carries no Inception weights, so IS and FID are not computed".to_owned(),
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
