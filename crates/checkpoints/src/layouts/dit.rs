//! `DiT` of facebookresearch/DiT.
//!
//! Settings are the constructor's arguments (`input_size`, `patch_size`, `hidden_size`, ..), or those of the scripts:
//! `model` with a published name such as `DiT-XL/2`, and `image_size` in pixels.

use undrift_networks::DitConfig;

use super::dit_words::{CONSTRUCTOR, PROCESS, SCRIPTS};
use crate::word::{Word, checked as checked_words};
use crate::{Assumed, CheckpointError, Entry, Reading, Settings, Shapes};

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
        .with("learn_sigma", axis(last, 0)? / per_patch == 2 * channels)
        .all_seen())
}

/// How often the released training drops a label.
const DROPOUT: f64 = 0.1;

/// Pixels that the released autoencoder makes of a latent's side.
const PIXELS: usize = 8;

/// All keys that are known, and what is done with each.
pub fn words() -> impl Iterator<Item = &'static Word> {
    TABLES.iter().copied().flatten()
}

const TABLES: &[&[Word]] = &[CONSTRUCTOR, PROCESS, SCRIPTS];

/// The settings as the published code reads them, `True` as a flag and `25` as a text where it has one.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for an unknown key, one that is refused, and a value of another kind.
pub fn checked(settings: &Settings) -> Result<Settings, CheckpointError> {
    checked_words(settings, TABLES, "DiT")
}

/// Width and heads of the published models.
const PUBLISHED_HEADS: [(usize, usize); 4] = [(384, 6), (768, 12), (1024, 16), (1152, 16)];

/// The configuration that settings mean; where nothing is given, the constructor's defaults.
///
/// # Errors
///
/// [`CheckpointError`] names a setting that is missing, unknown or impossible.
pub fn config(settings: &Settings) -> Result<DitConfig, CheckpointError> {
    Ok(read(settings)?.0)
}

/// What [`config`] takes where nothing is said.
///
/// # Errors
///
/// Those of [`config`].
pub fn assumed(settings: &Settings) -> Result<Vec<Assumed>, CheckpointError> {
    Ok(read(settings)?.1)
}

fn read(settings: &Settings) -> Result<(DitConfig, Vec<Assumed>), CheckpointError> {
    let s = &checked(settings)?;
    let mut reading = Reading::new(s);
    let named =
        match s.get::<String>("model")? {
            Some(name) => Some(published(&name).ok_or_else(|| {
                refused(s, "model", "published are DiT-S, DiT-B, DiT-L and DiT-XL, each /2, /4 and /8")
            })?),
            None => None,
        };
    let of_name = named.clone().unwrap_or_else(|| DitConfig::extra_large(2));
    let width = s.or("hidden_size", of_name.width)?;
    let config = DitConfig {
        input_size: input_size(s)?.unwrap_or(of_name.input_size),
        patch: s.or("patch_size", of_name.patch)?,
        in_channels: s.or("in_channels", of_name.in_channels)?,
        depth: s.or("depth", of_name.depth)?,
        heads: heads(s, width, named.as_ref(), &mut reading)?,
        mlp_ratio: s.or("mlp_ratio", of_name.mlp_ratio)?,
        classes: s.or("num_classes", of_name.classes)?,
        label_dropout: reading.or("class_dropout_prob", DROPOUT, "the last row of labels is then that of no class")?,
        learn_sigma: s.or("learn_sigma", of_name.learn_sigma)?,
        width,
    };
    config.validate()?;
    let is_named = |named: &DitConfig| (named.width, named.depth, named.patch) == (width, config.depth, config.patch);
    if !named.as_ref().is_none_or(is_named) {
        let (depth, patch) = (config.depth, config.patch);
        return Err(refused(
            s,
            "model",
            &format!("this one has hidden_size {width}, depth {depth}, patch_size {patch}"),
        ));
    }
    Ok((config, reading.assumed()))
}

/// The side of a latent, by itself or as the pixels of the image; both may be given if they agree.
fn input_size(s: &Settings) -> Result<Option<usize>, CheckpointError> {
    let (latent, pixels) = (s.get::<usize>("input_size")?, s.get::<usize>("image_size")?);
    match (latent, pixels) {
        (_, Some(pixels)) if !pixels.is_multiple_of(PIXELS) => Err(refused(s, "image_size", "give a multiple of 8")),
        (Some(latent), Some(pixels)) if pixels / PIXELS != latent => {
            let expected = format!("latents are {latent} x {latent}, which is an image_size of {}", latent * PIXELS);
            Err(refused(s, "image_size", &expected))
        }
        (latent, pixels) => Ok(latent.or(pixels.map(|pixels| pixels / PIXELS))),
    }
}

fn heads(
    s: &Settings,
    width: usize,
    named: Option<&DitConfig>,
    reading: &mut Reading<'_>,
) -> Result<usize, CheckpointError> {
    if let Some(heads) = s.get("num_heads")?.or(named.map(|named| named.heads)) {
        return Ok(heads);
    }
    let published = PUBLISHED_HEADS.iter().find(|(known, _)| *known == width).map(|(_, heads)| *heads);
    let heads = published.ok_or_else(|| CheckpointError::SettingMissing { key: "num_heads".into() })?;
    Ok(reading.assume("num_heads", heads, "that of the published model of this width"))
}

fn refused(s: &Settings, key: &str, expected: &str) -> CheckpointError {
    let value = s.value(key).map_or_else(|| "null".into(), ToString::to_string);
    CheckpointError::Setting { key: key.into(), value, expected: expected.into() }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn message(settings: &Settings) -> String {
        config(settings).expect_err("must be refused").to_string()
    }

    #[test]
    fn the_words_of_the_scripts_are_read() {
        let args = Settings::default().with("model", "DiT-B/4").with("image_size", 512).with("num_classes", "10");
        let expected = DitConfig { input_size: 64, classes: 10, ..DitConfig::base(4) };
        assert_eq!(config(&args.clone().with("epochs", 1400).with("vae", "ema")).unwrap(), expected);
        assert!(message(&args.clone().with("input_size", 32)).contains("an image_size of 256"));
        assert!(message(&args.clone().with("image_size", 100)).contains("multiple of 8"));
        assert!(message(&args.clone().with("model", "DiT-H/2")).contains("`model` is \"DiT-H/2\""));
        assert!(message(&args.clone().with("cfg_scale", 4)).contains("--cfg-scale"));
        assert!(message(&args.with("qk_norm", true)).contains("known are input_size"));
    }

    #[test]
    fn heads_and_the_null_label_are_assumed_aloud() {
        let said = |settings: &Settings| -> Vec<String> {
            assumed(settings).unwrap().iter().map(|one| format!("{} {}", one.key, one.value)).collect()
        };
        let bare = Settings::default().with("hidden_size", 384).with("depth", 2);
        assert_eq!(said(&bare), ["num_heads 6", "class_dropout_prob 0.1"]);
        let named = bare.clone().with("model", "DiT-S/2").with("depth", 12);
        assert_eq!(said(&named), ["class_dropout_prob 0.1"]);
        assert!(
            message(&named.with("depth", 2)).contains("`model` is \"DiT-S/2\": this one has hidden_size 384, depth 2")
        );
        assert!(message(&bare.with("hidden_size", 400)).contains("`num_heads`"));
    }
}
