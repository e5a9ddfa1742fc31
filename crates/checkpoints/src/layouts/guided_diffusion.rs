//! The U-Net of guided-diffusion, improved-diffusion and DDPM-IP.

use serde_json::{Value, json};
use undrift_networks::{AdmHeads, AdmUnetConfig};

use crate::layouts::guided_trunk::{self, IGNORED, Listing, WORDS, known, refused, size};
use crate::{CheckpointError, Entry, Settings, Shapes};

/// Whether these tensors are of this layout.
pub fn recognises(shapes: &Shapes) -> bool {
    let has = |name: &str| shapes.contains_key(name);
    has("time_embed.0.weight") && has("input_blocks.0.0.weight") && has("output_blocks.0.0.in_layers.0.weight")
}

/// What the shapes and names tell about the configuration, in the constructor's words.
///
/// Image size, heads and the order of their channels cannot be seen. Released models of one shape do not agree
/// on the last two, so that they are `null` here and [`config`] asks for them.
///
/// # Errors
///
/// [`CheckpointError::SettingMissing`] for a tensor that every network has, or blocks per level that several
/// numbers would explain.
pub fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let settings = guided_trunk::infer(shapes)?.with("out_channels", size(shapes, "out.2.weight", 0)?);
    Ok(match shapes.get("label_emb.weight") {
        Some(shape) => settings.with("num_classes", shape[0]),
        None => settings,
    })
}

/// The configuration that settings mean, in the constructor's words or in those of the scripts.
///
/// Any word of the scripts (`num_channels`, `learn_sigma`, `class_cond`, or a list as text) brings the scripts'
/// defaults, which are 4 heads and scale and shift; otherwise the constructor's hold. Where
/// [`infer`] left heads or their order open, they must be given: by themselves or by the scripts' words.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for an unknown key, a value that cannot be read, or two words that disagree;
/// [`CheckpointError::SettingMissing`] for what has no default; what the network's own check finds.
pub fn config(settings: &Settings) -> Result<AdmUnetConfig, CheckpointError> {
    known(settings, &[WORDS, SCRIPT_WORDS, &["num_classes"], IGNORED])?;
    let settings = constructed(settings)?;
    let config = AdmUnetConfig {
        out_channels: settings.required("out_channels")?,
        classes: settings.get("num_classes")?,
        heads_up: guided_trunk::heads(&settings, "num_heads_upsample")?,
        trunk: guided_trunk::config(&settings)?,
    };
    config.validate()?;
    Ok(config)
}

/// The settings of a configuration in the constructor's words: the inverse of [`config`].
pub fn settings(config: &AdmUnetConfig) -> Settings {
    let settings = guided_trunk::settings(&config.trunk).with("out_channels", config.out_channels);
    let settings = match config.heads_up {
        AdmHeads::Number(heads) => settings.with("num_heads_upsample", heads),
        AdmHeads::Channels(_) => settings,
    };
    match config.classes {
        Some(classes) => settings.with("num_classes", classes),
        None => settings,
    }
}

/// All tensors of the layout's `state_dict`, in the published order.
pub fn entries(config: &AdmUnetConfig) -> Vec<Entry> {
    let trunk = &config.trunk;
    let mut listing = Listing::default();
    listing.embedding(trunk.base);
    if let Some(classes) = config.classes {
        listing.tensor("label_emb.weight", "labels.table", &[classes, 4 * trunk.base]);
    }
    let skips = listing.down_and_middle(trunk);
    up(config, skips, &mut listing);
    listing.norm("out.0", "norm_out", trunk.widths[0]);
    listing.layer("out.2", "conv_out", &[config.out_channels, trunk.widths[0], 3, 3]);
    listing.0
}

fn up(config: &AdmUnetConfig, mut skips: Vec<usize>, listing: &mut Listing) {
    let trunk = &config.trunk;
    let levels = trunk.widths.len();
    let mut from = trunk.widths[levels - 1];
    for (depth, &to) in trunk.widths.iter().rev().enumerate() {
        let level = levels - 1 - depth;
        for stage in 0..=trunk.blocks {
            let theirs = format!("output_blocks.{}", depth * (trunk.blocks + 1) + stage);
            let ours = format!("up.{depth}.stages.{stage}");
            let skip = skips.pop().expect("there is a skip for every block of the way up");
            listing.block(&format!("{theirs}.0"), &format!("{ours}.block"), [from + skip, to], trunk);
            from = to;
            if trunk.attends(level) {
                listing.attention(&format!("{theirs}.1"), &format!("{ours}.attention"), to);
            }
            if level > 0 && stage == trunk.blocks {
                let part = 1 + usize::from(trunk.attends(level));
                listing.resample(&format!("{theirs}.{part}"), "conv", &format!("up.{depth}.resample"), to, trunk);
            }
        }
    }
}

/// What the scripts say in words of their own.
const SCRIPT_WORDS: &[&str] = &["num_channels", "learn_sigma", "class_cond"];

/// Classes of every class-conditional model that the scripts make.
const CLASSES: usize = 1000;

/// The settings in the constructor's words alone.
fn constructed(settings: &Settings) -> Result<Settings, CheckpointError> {
    let texts = ["attention_resolutions", "channel_mult"];
    let is_text = |key: &&str| settings.value(key).is_some_and(Value::is_string);
    if !texts.iter().any(is_text) && SCRIPT_WORDS.iter().all(|key| settings.value(key).is_none()) {
        return Ok(settings.clone());
    }
    let mut words = script_defaults();
    let channels = settings.or("in_channels", 3usize)?;
    words = words.with("out_channels", channels).with("in_channels", channels).overlaid(settings);
    if let Some(width) = settings.get::<usize>("num_channels")? {
        words = agreeing(words, settings, ["num_channels", "model_channels"], width)?;
    }
    if let Some(learned) = settings.get::<bool>("learn_sigma")? {
        let out = if learned { 2 * channels } else { channels };
        words = agreeing(words, settings, ["learn_sigma", "out_channels"], out)?;
    }
    match settings.get::<bool>("class_cond")? {
        Some(true) => words = agreeing(words, settings, ["class_cond", "num_classes"], CLASSES)?,
        Some(false) if settings.value("num_classes").is_some() => {
            return Err(refused(settings, "class_cond", "the network has a table of classes"));
        }
        _ => {}
    }
    guided_trunk::without_texts(words)
}

/// What the scripts take where a flag is not given, in the constructor's words.
fn script_defaults() -> Settings {
    Settings::default()
        .with("model_channels", 128)
        .with("num_res_blocks", 2)
        .with("num_heads", 4)
        .with("attention_resolutions", "16,8")
        .with("channel_mult", "")
        .with("use_scale_shift_norm", true)
        .with("use_new_attention_order", false)
}

/// `words` with a constructor's word that a script's word means; both may be given if they agree.
fn agreeing(
    words: Settings,
    given: &Settings,
    [script, word]: [&str; 2],
    meant: usize,
) -> Result<Settings, CheckpointError> {
    match given.get::<usize>(word)? {
        Some(other) if other != meant => Err(refused(given, script, &format!("{word} is {other}, not {meant}"))),
        _ => Ok(words.with(word, json!(meant))),
    }
}
