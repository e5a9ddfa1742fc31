//! `UNetModel` of guided-diffusion, improved-diffusion, DDPM-IP and ADM-ES.
//!
//! Settings are understood in both vocabularies: that of the constructor (`model_channels`,
//! `attention_resolutions` as a list of downsampling rates, `num_classes`) and that of the scripts
//! (`num_channels`, `attention_resolutions` as a text of sizes in pixels, `class_cond`, `learn_sigma`), each with its
//! own defaults.

use undrift_networks::AdmUnetConfig;

use super::guided::{self, SHARED};
use super::list::List;
use crate::{CheckpointError, Entry, Settings, Shapes};

/// Classes of ImageNet, which `class_cond` stands for.
const IMAGENET: usize = 1000;

/// Whether these tensors are of this layout.
pub fn recognises(shapes: &Shapes) -> bool {
    ["time_embed.0.weight", "input_blocks.0.0.weight", "out.2.weight"].iter().all(|name| shapes.contains_key(*name))
        && shapes.keys().any(|name| name.starts_with("output_blocks."))
}

/// What names and shapes tell about the configuration.
///
/// Not to be seen: heads and the order of their channels, and the image size.
///
/// # Errors
///
/// [`CheckpointError::Absent`] for a tensor without which nothing can be told.
pub fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let mut s = guided::infer(shapes)?;
    if let Some(out) = shapes.get("out.2.weight").and_then(|shape| shape.first()) {
        s = s.with("out_channels", *out);
    }
    if let Some(classes) = shapes.get("label_emb.weight").and_then(|shape| shape.first()) {
        s = s.with("num_classes", *classes);
    }
    Ok(s)
}

/// The configuration that settings mean.
///
/// # Errors
///
/// [`CheckpointError`] names a setting that is missing, unknown or impossible.
pub fn config(s: &Settings) -> Result<AdmUnetConfig, CheckpointError> {
    guided::refuse_unknown(s, &[&SHARED[..], &["learn_sigma", "class_cond"]].concat())?;
    let shape = guided::shape(s)?;
    let factor = if s.or("learn_sigma", false)? { 2 } else { 1 };
    let labelled = s.or("class_cond", false)?;
    let config = AdmUnetConfig {
        out_channels: s.or("out_channels", factor * shape.in_channels)?,
        classes: s.get("num_classes")?.or(labelled.then_some(IMAGENET)),
        dropout: s.or("dropout", 0.0)?,
        shape,
    };
    config.validate()?;
    Ok(config)
}

/// The settings of a configuration, as the constructor takes them.
pub fn settings(config: &AdmUnetConfig) -> Settings {
    let s = guided::settings(&config.shape).with("out_channels", config.out_channels).with("dropout", config.dropout);
    match config.classes {
        Some(classes) => s.with("num_classes", classes),
        None => s,
    }
}

/// All tensors, in the published order, and which parameter of ours each one is.
pub fn entries(config: &AdmUnetConfig) -> Vec<Entry> {
    let (shape, mut list) = (&config.shape, List::default());
    guided::time_entries(shape, &mut list);
    if let Some(classes) = config.classes {
        list.same("label_emb.weight".into(), "time.label".into(), &[classes, shape.time_width()]);
    }
    let skips = guided::encoder_entries(shape, &mut list);
    decoder_entries(config, skips, &mut list);
    let width = shape.widths()[0];
    list.norm("out.0", "norm_out", width);
    list.layer("out.2", "conv_out", &[config.out_channels, width, 3, 3]);
    list.0
}

/// The way up, deepest level first.
fn decoder_entries(config: &AdmUnetConfig, mut skips: Vec<usize>, list: &mut List) {
    let (shape, widths) = (&config.shape, config.shape.widths());
    let (mut from, mut number) = (widths[widths.len() - 1], 0);
    for (up, (level, &to)) in widths.iter().enumerate().rev().enumerate() {
        for stage in 0..=shape.blocks {
            let skip = skips.pop().expect("one skip for every block of the way up");
            let (theirs, ours) = (format!("output_blocks.{number}"), format!("up.{up}.stages.{stage}"));
            let attends = shape.attends(1 << level);
            guided::stage_entries(&theirs, &ours, [from + skip, to], attends, shape, list);
            if level > 0 && stage == shape.blocks {
                let theirs = format!("{theirs}.{}", if attends { 2 } else { 1 });
                guided::resample_entries(&theirs, "conv", &format!("up.{up}.double"), to, shape, list);
            }
            from = to;
            number += 1;
        }
    }
}
