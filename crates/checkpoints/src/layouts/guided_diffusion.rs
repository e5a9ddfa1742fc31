//! The U-Net of guided-diffusion, improved-diffusion and DDPM-IP.

use serde_json::{Value, json};
use undrift_networks::{AdmHeads, AdmUnetConfig};

use crate::layouts::guided_trunk::{self, Listing, is_text, refused, size};
use crate::layouts::guided_words::{AROUND, CONSTRUCTOR, OF_CLASSIFIER, PROCESS, SCRIPTS, UNET};
use crate::word::{Word, checked as checked_words};
use crate::{Assumed, CheckpointError, Entry, Reading, Settings, Shapes};

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
    Ok(match shapes.get("label_emb.weight").and_then(|shape| shape.first()) {
        Some(classes) => settings.with("num_classes", *classes),
        None => settings,
    }
    .all_seen())
}

/// All keys that are known, and what is done with each.
pub fn words() -> impl Iterator<Item = &'static Word> {
    TABLES.iter().copied().flatten()
}

const TABLES: &[&[Word]] = &[CONSTRUCTOR, UNET, SCRIPTS, PROCESS, OF_CLASSIFIER, AROUND];

/// The settings as the published code reads them, `True` as a flag and `25` as a text where it has one.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for an unknown key, one that is refused, and a value of another kind.
pub fn checked(settings: &Settings) -> Result<Settings, CheckpointError> {
    checked_words(settings, TABLES, "guided-diffusion")
}

/// The configuration that settings mean, in the constructor's words or in those of the scripts.
///
/// Any word that only the scripts have (`num_channels`, `learn_sigma`, `diffusion_steps`, .., or a list as text) brings
/// the scripts' defaults, among them 4 heads, scale and shift, and images of 64; otherwise the constructor's hold. Where
/// [`infer`] left heads or their order open, they must be given: by themselves or by the scripts' words.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for an unknown key, a value that cannot be read, or two words that disagree;
/// [`CheckpointError::SettingMissing`] for what has no default; what the network's own check finds.
pub fn config(settings: &Settings) -> Result<AdmUnetConfig, CheckpointError> {
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

fn read(settings: &Settings) -> Result<(AdmUnetConfig, Vec<Assumed>), CheckpointError> {
    let checked = checked(settings)?;
    let mut reading = Reading::new(&checked);
    let settings = constructed(&checked, &mut reading)?;
    let config = AdmUnetConfig {
        out_channels: settings.required("out_channels")?,
        classes: settings.get("num_classes")?,
        heads_up: guided_trunk::heads(&settings, "num_heads_upsample")?,
        trunk: guided_trunk::config(&settings)?,
    };
    config.validate()?;
    Ok((config, reading.assumed()))
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

/// Classes of every class-conditional model that the scripts make, where no table shows them.
const CLASSES_OF_IMAGENET: usize = 1000;

/// The settings in the constructor's words alone.
fn constructed(settings: &Settings, reading: &mut Reading<'_>) -> Result<Settings, CheckpointError> {
    if !is_of_scripts(settings) {
        return Ok(settings.clone());
    }
    let channels = settings.or("in_channels", 3usize)?;
    let mut words = guided_trunk::by_default(settings, &script_defaults(), reading);
    words = Settings::default().with("out_channels", channels).with("in_channels", channels).overlaid(&words);
    match settings.get::<usize>("num_channels")? {
        Some(width) => words = agreeing(words, settings, ["num_channels", "model_channels"], width)?,
        None if words.value("model_channels").is_none() => {
            words =
                words.with("model_channels", reading.assume("num_channels", 128, "what the published scripts take"));
        }
        None => {}
    }
    if let Some(learned) = settings.get::<bool>("learn_sigma")? {
        let out = if learned { 2 * channels } else { channels };
        words = agreeing(words, settings, ["learn_sigma", "out_channels"], out)?;
    }
    guided_trunk::without_texts(with_classes(words, settings)?)
}

/// Whether any word is the scripts' alone.
fn is_of_scripts(settings: &Settings) -> bool {
    let own = [SCRIPTS, PROCESS, OF_CLASSIFIER, AROUND].into_iter().flatten();
    own.into_iter().any(|word| word.key != "code" && settings.is_given(word.key))
        || ["attention_resolutions", "channel_mult"].iter().any(|key| is_text(settings, key))
}

/// The number of classes, as `class_cond` and the table in the file agree; the scripts' NUM_CLASSES is 1000 in
/// guided-diffusion, 10 in DDPM-IP, and edited by whoever trains on something else.
fn with_classes(words: Settings, given: &Settings) -> Result<Settings, CheckpointError> {
    match (given.get::<bool>("class_cond")?, given.value("num_classes")) {
        (Some(true), None) if given.is_of_tensors() => {
            Err(refused(given, "class_cond", "the network has no table of classes (label_emb); leave it out"))
        }
        (Some(true), None) => Ok(words.with("num_classes", CLASSES_OF_IMAGENET)),
        (Some(false), Some(_)) => Err(refused(given, "class_cond", "the network has a table of classes (label_emb)")),
        _ => Ok(words),
    }
}

/// What the scripts take where a flag is not given, in the constructor's words.
fn script_defaults() -> [(&'static str, Value); 8] {
    [
        ("image_size", json!(64)),
        ("num_res_blocks", json!(2)),
        ("num_heads", json!(4)),
        ("attention_resolutions", json!("16,8")),
        ("channel_mult", json!("")),
        ("use_scale_shift_norm", json!(true)),
        ("use_new_attention_order", json!(false)),
        ("dropout", json!(0.0)),
    ]
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
