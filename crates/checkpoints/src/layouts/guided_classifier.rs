//! The classifier of guided-diffusion.

use serde_json::{Value, json};
use undrift_networks::{AdmClassifierConfig, AdmPool};

use crate::layouts::guided_trunk::{self, Listing, refused, size};
use crate::layouts::guided_words::{AROUND, CLASSIFIER, CONSTRUCTOR, OF_DIFFUSION};
use crate::word::{Word, checked as checked_words};
use crate::{Assumed, CheckpointError, Entry, Reading, Settings, Shapes};

/// Whether these tensors are of this layout.
pub fn recognises(shapes: &Shapes) -> bool {
    let has = |name: &str| shapes.contains_key(name);
    let ends = has("out.2.positional_embedding") || has("out.3.weight");
    has("time_embed.0.weight") && has("input_blocks.0.0.weight") && !has("output_blocks.0.0.in_layers.0.weight") && ends
}

/// What the shapes and names tell about the configuration, in the constructor's words.
///
/// Heads and their order cannot be seen: they are `null` here and [`config`] asks for them. The image size is
/// seen where there is attention pooling, which has a vector for every pixel of the deepest level.
///
/// # Errors
///
/// [`CheckpointError::SettingMissing`] for a tensor that every network has, or blocks per level that several
/// numbers would explain.
pub fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let settings = guided_trunk::infer(shapes)?;
    let Some(positions) = shapes.get("out.2.positional_embedding").and_then(|shape| shape.get(1)) else {
        let classes = size(shapes, "out.3.weight", 0)?;
        return Ok(settings.with("pool", "adaptive").with("out_channels", classes).all_seen());
    };
    let levels = settings.required::<Vec<f64>>("channel_mult")?.len();
    let side = positions.saturating_sub(1).isqrt();
    let classes = size(shapes, "out.2.c_proj.weight", 0)?;
    let settings = settings.with("pool", "attention").with("image_size", side << (levels - 1));
    Ok(settings.with("out_channels", classes).all_seen())
}

/// All keys that are known, and what is done with each.
pub fn words() -> impl Iterator<Item = &'static Word> {
    TABLES.iter().copied().flatten()
}

const TABLES: &[&[Word]] = &[CONSTRUCTOR, CLASSIFIER, OF_DIFFUSION, AROUND];

/// The configuration that settings mean, in the constructor's words or in those of the scripts.
///
/// Any word of the scripts (`classifier_width` ...) brings the scripts' defaults, among them heads of 64
/// channels and 1000 classes; otherwise the constructor's hold.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for an unknown key, a value that cannot be read, a pooling that is not here;
/// [`CheckpointError::SettingMissing`] for what has no default; what the network's own check finds.
pub fn config(settings: &Settings) -> Result<AdmClassifierConfig, CheckpointError> {
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

fn read(settings: &Settings) -> Result<(AdmClassifierConfig, Vec<Assumed>), CheckpointError> {
    let checked = checked_words(settings, TABLES, "guided-diffusion's classifier")?;
    let mut reading = Reading::new(&checked);
    let settings = constructed(&checked, &mut reading)?;
    let pool = match settings.or("pool", "adaptive".to_string())?.as_str() {
        "attention" => AdmPool::Attention { head_channels: settings.required("num_head_channels")? },
        "adaptive" => AdmPool::Adaptive,
        _ => return Err(refused(&settings, "pool", "the poolings here are attention and adaptive")),
    };
    let config = AdmClassifierConfig {
        trunk: guided_trunk::config(&settings)?,
        classes: settings.required("out_channels")?,
        pool,
    };
    config.validate()?;
    Ok((config, reading.assumed()))
}

/// The settings of a configuration in the constructor's words: the inverse of [`config`].
///
/// The published code has one `num_head_channels` for the blocks and the pooling; so has every configuration that
/// [`config`] makes, and of another one it is the pooling's.
pub fn settings(config: &AdmClassifierConfig) -> Settings {
    let settings = guided_trunk::settings(&config.trunk).with("out_channels", config.classes);
    match config.pool {
        AdmPool::Attention { head_channels } => {
            settings.with("pool", "attention").with("num_head_channels", head_channels)
        }
        AdmPool::Adaptive => settings.with("pool", "adaptive"),
    }
}

/// All tensors of the layout's `state_dict`, in the published order.
pub fn entries(config: &AdmClassifierConfig) -> Vec<Entry> {
    let trunk = &config.trunk;
    let width = trunk.widths[trunk.widths.len() - 1];
    let mut listing = Listing::default();
    listing.embedding(trunk.base);
    listing.down_and_middle(trunk);
    listing.norm("out.0", "norm_out", width);
    match config.pool {
        AdmPool::Attention { .. } => {
            let side = trunk.image_size >> (trunk.widths.len() - 1);
            listing.tensor("out.2.positional_embedding", "pool.positions", &[width, side * side + 1]);
            listing.layer("out.2.qkv_proj", "pool.qkv", &[3 * width, width, 1]);
            listing.layer("out.2.c_proj", "pool.out", &[config.classes, width, 1]);
        }
        AdmPool::Adaptive => listing.layer("out.3", "head", &[config.classes, width, 1, 1]),
    }
    listing.0
}

/// What the scripts say in words of their own, and the constructor's words for it.
const SCRIPT_WORDS: &[(&str, &str)] = &[
    ("classifier_width", "model_channels"),
    ("classifier_depth", "num_res_blocks"),
    ("classifier_attention_resolutions", "attention_resolutions"),
    ("classifier_use_scale_shift_norm", "use_scale_shift_norm"),
    ("classifier_resblock_updown", "resblock_updown"),
    ("classifier_pool", "pool"),
];

/// The settings in the constructor's words alone.
fn constructed(settings: &Settings, reading: &mut Reading<'_>) -> Result<Settings, CheckpointError> {
    if SCRIPT_WORDS.iter().all(|(script, _)| settings.value(script).is_none()) {
        return Ok(settings.clone());
    }
    let mut words = settings.clone();
    for (script, word) in SCRIPT_WORDS {
        let Some(value) = settings.value(script) else { continue };
        if settings.is_given(word) && settings.value(word) != Some(value) {
            return Err(refused(settings, script, &format!("{word} is another; give one of them")));
        }
        words = words.with(word, value.clone());
    }
    guided_trunk::without_texts(guided_trunk::by_default(&words, &script_defaults(), reading))
}

/// What the scripts take where a flag is not given, in the constructor's words.
fn script_defaults() -> [(&'static str, Value); 12] {
    [
        ("image_size", json!(64)),
        ("in_channels", json!(3)),
        ("model_channels", json!(128)),
        ("out_channels", json!(1000)),
        ("num_res_blocks", json!(2)),
        ("attention_resolutions", json!("32,16,8")),
        ("channel_mult", json!("")),
        ("num_head_channels", json!(64)),
        ("use_new_attention_order", json!(false)),
        ("use_scale_shift_norm", json!(true)),
        ("resblock_updown", json!(true)),
        ("pool", json!("attention")),
    ]
}
