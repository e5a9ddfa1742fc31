//! `EncoderUNetModel` of guided-diffusion, the classifier of noised images.
//!
//! Settings are understood in the constructor's vocabulary and in that of the scripts (`classifier_width`,
//! `classifier_depth`, ..).

use undrift_networks::{AdmClassifierConfig, AdmPool};

use super::guided::{self, Levels, SHARED};
use super::list::List;
use crate::{CheckpointError, Entry, Settings, Shapes};

/// What the scripts call the settings of the constructor.
const SCRIPTS: [(&str, &str); 6] = [
    ("classifier_width", "num_channels"),
    ("classifier_depth", "num_res_blocks"),
    ("classifier_attention_resolutions", "attention_resolutions"),
    ("classifier_use_scale_shift_norm", "use_scale_shift_norm"),
    ("classifier_resblock_updown", "resblock_updown"),
    ("classifier_pool", "pool"),
];

/// Channels of a head in the scripts' classifiers, which is no flag.
const HEAD_WIDTH: usize = 64;

/// Whether these tensors are of this layout.
pub fn recognises(shapes: &Shapes) -> bool {
    ["time_embed.0.weight", "input_blocks.0.0.weight", "out.0.weight"].iter().all(|name| shapes.contains_key(*name))
        && !shapes.keys().any(|name| name.starts_with("output_blocks."))
}

/// What names and shapes tell about the configuration.
///
/// Not to be seen: the width of heads; and where changes of resolution happen in residual blocks, the
/// number of levels may be open.
///
/// # Errors
///
/// [`CheckpointError::Absent`] for a tensor without which nothing can be told.
pub fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let mut s = guided::infer(shapes)?;
    let first = |name: &str| shapes.get(name).and_then(|shape| shape.first()).copied();
    if let Some(classes) = first("out.2.c_proj.weight") {
        s = s.with("out_channels", classes).with("pool", "attention");
    }
    if let Some(classes) = first("out.3.weight") {
        s = s.with("out_channels", classes).with("pool", "adaptive");
    }
    let tokens = shapes.get("out.2.positional_embedding").and_then(|shape| shape.get(1));
    if let (Some(tokens), Some(levels)) = (tokens, Levels::of(shapes)) {
        let size = tokens.saturating_sub(1).isqrt();
        s = s.with("image_size", size << (levels.count - 1));
    }
    Ok(s)
}

/// The configuration that settings mean.
///
/// # Errors
///
/// [`CheckpointError`] names a setting that is missing, unknown or impossible.
pub fn config(s: &Settings) -> Result<AdmClassifierConfig, CheckpointError> {
    let s = constructor(s);
    guided::refuse_unknown(&s, &[&SHARED[..], &["pool"]].concat())?;
    let shape = guided::shape(&s)?;
    let pool = match s.or("pool", "adaptive".to_owned())?.as_str() {
        "adaptive" => AdmPool::Adaptive,
        "attention" => AdmPool::Attention,
        other => {
            return Err(CheckpointError::Setting {
                key: "pool".into(),
                value: other.into(),
                expected: "known are adaptive and attention".into(),
            });
        }
    };
    let config = AdmClassifierConfig { classes: s.or("out_channels", 1000)?, pool, shape };
    config.validate()?;
    Ok(config)
}

/// The same in the constructor's words, with what the scripts set and do not ask for.
fn constructor(s: &Settings) -> Settings {
    let Some(width) = s.value("classifier_width") else { return s.clone() };
    let mut renamed = Settings::default()
        .with("num_channels", width.clone())
        .with("num_head_channels", HEAD_WIDTH)
        .with("attention_resolutions", "32,16,8")
        .with("use_scale_shift_norm", true)
        .with("resblock_updown", true)
        .with("pool", "attention");
    for (key, value) in s.iter() {
        let name = SCRIPTS.iter().find(|(script, _)| *script == key).map_or(key, |(_, name)| *name);
        renamed = renamed.with(name, value.clone());
    }
    renamed
}

/// The settings of a configuration, as the constructor takes them.
pub fn settings(config: &AdmClassifierConfig) -> Settings {
    let pool = match config.pool {
        AdmPool::Adaptive => "adaptive",
        AdmPool::Attention => "attention",
    };
    guided::settings(&config.shape).with("out_channels", config.classes).with("pool", pool)
}

/// All tensors, in the published order, and which parameter of ours each one is.
pub fn entries(config: &AdmClassifierConfig) -> Vec<Entry> {
    let (shape, mut list) = (&config.shape, List::default());
    guided::time_entries(shape, &mut list);
    guided::encoder_entries(shape, &mut list);
    let widths = shape.widths();
    let width = widths[widths.len() - 1];
    list.norm("out.0", "norm_out", width);
    match config.pool {
        AdmPool::Adaptive => list.layer("out.3", "mean", &[config.classes, width, 1, 1]),
        AdmPool::Attention => {
            let size = shape.image_size >> (widths.len() - 1);
            let positions = "out.2.positional_embedding".to_owned();
            list.same(positions, "attention.positions".into(), &[width, size * size + 1]);
            list.layer("out.2.qkv_proj", "attention.qkv", &[3 * width, width, 1]);
            list.layer("out.2.c_proj", "attention.out", &[config.classes, width, 1]);
        }
    }
    list.0
}
