//! `DiT` of facebookresearch/DiT.
//!
//! Settings are the constructor's arguments (`input_size`, `patch_size`, `hidden_size`, ..), or `model` with a
//! published name such as `DiT-XL/2` beside them.

use undrift_networks::DitConfig;

use crate::{CheckpointError, Entry, Settings, Shapes};

/// Sinusoidal features of the time.
const FEATURES: usize = 256;

/// The fixed table among the tensors.
pub(crate) const POSITIONS: &str = "pos_embed";

/// Whether these tensors are of this layout.
pub fn recognises(shapes: &Shapes) -> bool {
    ["x_embedder.proj.weight", "y_embedder.embedding_table.weight", "final_layer.linear.weight"]
        .iter()
        .all(|name| shapes.contains_key(*name))
}

/// What names and shapes tell about the configuration.
///
/// Not to be seen: the number of heads, and whether the last row of the label table is the null label. The released
/// models have it.
///
/// # Errors
///
/// [`CheckpointError::Absent`] for a tensor without which nothing can be told.
pub fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let axis = |name: &str, axis: usize| -> Result<usize, CheckpointError> {
        let found = shapes.get(name).and_then(|shape| shape.get(axis)).copied().filter(|size| *size > 0);
        found.ok_or_else(|| CheckpointError::Absent { name: name.to_owned() })
    };
    let (embedder, last) = ("x_embedder.proj.weight", "final_layer.linear.weight");
    let (width, channels, patch) = (axis(embedder, 0)?, axis(embedder, 1)?, axis(embedder, 2)?);
    let tokens = axis(POSITIONS, 1)?;
    let blocks =
        shapes.keys().filter_map(|name| name.strip_prefix("blocks.")?.split('.').next()?.parse::<usize>().ok());
    let hidden = axis("blocks.0.mlp.fc1.weight", 0)?;
    let per_patch = patch.saturating_mul(patch);
    Ok(Settings::default()
        .with("input_size", tokens.isqrt().saturating_mul(patch))
        .with("patch_size", patch)
        .with("in_channels", channels)
        .with("hidden_size", width)
        .with("depth", blocks.max().map_or(0, |last| last.saturating_add(1)))
        .with("mlp_ratio", hidden as f64 / width as f64)
        .with("num_classes", axis("y_embedder.embedding_table.weight", 0)? - 1)
        .with("class_dropout_prob", DROPOUT)
        .with("learn_sigma", axis(last, 0)? / per_patch == 2 * channels))
}

/// How often the released training drops a label.
const DROPOUT: f64 = 0.1;

/// Settings known here.
const KNOWN: [&str; 11] = [
    "model",
    "input_size",
    "patch_size",
    "in_channels",
    "hidden_size",
    "depth",
    "num_heads",
    "mlp_ratio",
    "class_dropout_prob",
    "num_classes",
    "learn_sigma",
];

/// Width and heads of the published models.
const PUBLISHED_HEADS: [(usize, usize); 4] = [(384, 6), (768, 12), (1024, 16), (1152, 16)];

/// The configuration that settings mean; where nothing is given, the constructor's defaults.
///
/// # Errors
///
/// [`CheckpointError`] names a setting that is missing, unknown or impossible.
pub fn config(s: &Settings) -> Result<DitConfig, CheckpointError> {
    if let Some((key, value)) = s.iter().find(|(key, _)| !KNOWN.contains(key)) {
        let expected = format!("DiT has no such setting; known are {}", KNOWN.join(", "));
        return Err(CheckpointError::Setting { key: key.into(), value: value.to_string(), expected });
    }
    let named = match s.get::<String>("model")? {
        Some(name) => published(&name).ok_or_else(|| CheckpointError::Setting {
            key: "model".into(),
            value: name,
            expected: "published are DiT-S, DiT-B, DiT-L and DiT-XL, each /2, /4 and /8".into(),
        })?,
        None => DitConfig::extra_large(2),
    };
    let width = s.or("hidden_size", named.width)?;
    let config = DitConfig {
        input_size: s.or("input_size", named.input_size)?,
        patch: s.or("patch_size", named.patch)?,
        in_channels: s.or("in_channels", named.in_channels)?,
        depth: s.or("depth", named.depth)?,
        heads: heads(s, width)?,
        mlp_ratio: s.or("mlp_ratio", named.mlp_ratio)?,
        classes: s.or("num_classes", named.classes)?,
        label_dropout: s.or("class_dropout_prob", named.label_dropout)?,
        learn_sigma: s.or("learn_sigma", named.learn_sigma)?,
        width,
    };
    config.validate()?;
    Ok(config)
}

fn heads(s: &Settings, width: usize) -> Result<usize, CheckpointError> {
    let published = PUBLISHED_HEADS.iter().find(|(known, _)| *known == width).map(|(_, heads)| *heads);
    let missing = || CheckpointError::SettingMissing { key: "num_heads".into() };
    s.get("num_heads")?.or(published).ok_or_else(missing)
}

fn published(name: &str) -> Option<DitConfig> {
    let (size, patch) = name.strip_prefix("DiT-")?.split_once('/')?;
    let patch = patch.parse().ok().filter(|patch| [2, 4, 8].contains(patch))?;
    match size {
        "S" => Some(DitConfig::small(patch)),
        "B" => Some(DitConfig::base(patch)),
        "L" => Some(DitConfig::large(patch)),
        "XL" => Some(DitConfig::extra_large(patch)),
        _ => None,
    }
}

/// The settings of a configuration, as the constructor takes them.
pub fn settings(config: &DitConfig) -> Settings {
    Settings::default()
        .with("input_size", config.input_size)
        .with("patch_size", config.patch)
        .with("in_channels", config.in_channels)
        .with("hidden_size", config.width)
        .with("depth", config.depth)
        .with("num_heads", config.heads)
        .with("mlp_ratio", config.mlp_ratio)
        .with("class_dropout_prob", config.label_dropout)
        .with("num_classes", config.classes)
        .with("learn_sigma", config.learn_sigma)
}

/// All tensors, in the published order, and which parameter of ours each one is.
pub fn entries(config: &DitConfig) -> Vec<Entry> {
    let (width, patch, hidden) = (config.width, config.patch, config.hidden());
    let mut list = vec![tensor(POSITIONS, "positions", &[1, config.grid() * config.grid(), width])];
    list.extend(layer("x_embedder.proj", "patches", &[width, config.in_channels, patch, patch]));
    list.extend(layer("t_embedder.mlp.0", "conditioning.expand", &[width, FEATURES]));
    list.extend(layer("t_embedder.mlp.2", "conditioning.mix", &[width, width]));
    list.push(tensor("y_embedder.embedding_table.weight", "conditioning.label", &[config.labels(), width]));
    for block in 0..config.depth {
        for (theirs, ours, shape) in [
            ("attn.qkv", "qkv", [3 * width, width]),
            ("attn.proj", "out", [width, width]),
            ("mlp.fc1", "expand", [hidden, width]),
            ("mlp.fc2", "contract", [width, hidden]),
            ("adaLN_modulation.1", "modulation", [6 * width, width]),
        ] {
            list.extend(layer(&format!("blocks.{block}.{theirs}"), &format!("blocks.{block}.{ours}"), &shape));
        }
    }
    list.extend(layer("final_layer.linear", "out", &[patch * patch * config.out_channels(), width]));
    list.extend(layer("final_layer.adaLN_modulation.1", "modulation", &[2 * width, width]));
    list
}

/// Weights of this shape and one bias for each of its first axis.
fn layer(theirs: &str, ours: &str, shape: &[usize]) -> [Entry; 2] {
    let part = |name: &str, shape: &[usize]| tensor(&format!("{theirs}.{name}"), &format!("{ours}.{name}"), shape);
    [part("weight", shape), part("bias", &shape[..1])]
}

/// The same numbers in the same order.
fn tensor(theirs: &str, ours: &str, shape: &[usize]) -> Entry {
    Entry { theirs: theirs.into(), ours: ours.into(), shape: shape.to_vec(), transposed: false }
}
