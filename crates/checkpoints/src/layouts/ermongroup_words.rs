//! Every key of the `yml` files, of `main.py` and of the constructor of DDIM's code and pytorch_diffusion.
//!
//! Source: `configs/`, `main.py`, `runners/`, `datasets/` of ermongroup/ddim; `diffusion.py` of pesser/pytorch_diffusion.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::word::{Kind, Word, checked as checked_words};
use crate::{CheckpointError, Settings};

const TRAINING: &str = "it is training's alone";
const COMMAND: &str = "the command line has its own word for it";
const WEIGHTS: &str = "which weights are taken is said by --group";
const PICTURES: &str = "pixels are (x + 1) / 2 here";
const OTHER_MODE: &str = "main.py then shows something else than samples; leave it out";

/// What is seen of attention without the image size: levels, from 0 at the finest.
///
/// This is the one key that is not the published code's, which has `attn_resolutions` in pixels.
pub(crate) const LEVELS: &str = "attn_levels";

/// The parts of a `yml` file and their keys.
pub(crate) const PARTS: [(&str, &[Word]); 6] = [
    ("model", MODEL),
    ("data", DATA),
    ("diffusion", DIFFUSION),
    ("training", TRAINING_PART),
    ("sampling", SAMPLING_PART),
    ("optim", OPTIM),
];

const MODEL: &[Word] = &[
    Word::read("type", Kind::Text),
    Word::read("in_channels", Kind::Number),
    Word::read("out_ch", Kind::Number),
    Word::read("ch", Kind::Number),
    Word::read("ch_mult", Kind::List),
    Word::read("num_res_blocks", Kind::Number),
    Word::read("attn_resolutions", Kind::List),
    Word::read("dropout", Kind::Number),
    Word::read("resamp_with_conv", Kind::Flag),
    Word::read("var_type", Kind::Text),
    Word::harmless("ema", WEIGHTS),
    Word::harmless("ema_rate", TRAINING),
];

const DATA: &[Word] = &[
    Word::read("image_size", Kind::Number),
    Word::read("channels", Kind::Number),
    Word::harmless("dataset", TRAINING),
    Word::harmless("category", TRAINING),
    Word::harmless("uniform_dequantization", TRAINING),
    Word::harmless("gaussian_dequantization", TRAINING),
    Word::harmless("random_flip", TRAINING),
    Word::harmless("num_workers", TRAINING),
    Word::refused("logit_transform", &["false"], PICTURES),
    Word::refused("rescaled", &["true"], PICTURES),
];

const DIFFUSION: &[Word] = &[
    Word::read("beta_schedule", Kind::Text),
    Word::read("beta_start", Kind::Number),
    Word::read("beta_end", Kind::Number),
    Word::read("num_diffusion_timesteps", Kind::Number),
];

const TRAINING_PART: &[Word] = &[
    Word::harmless("batch_size", TRAINING),
    Word::harmless("n_epochs", TRAINING),
    Word::harmless("n_iters", TRAINING),
    Word::harmless("snapshot_freq", TRAINING),
    Word::harmless("validation_freq", TRAINING),
];

const SAMPLING_PART: &[Word] =
    &[Word::harmless("batch_size", COMMAND), Word::harmless("last_only", "the last x is what is kept here")];

const OPTIM: &[Word] = &[
    Word::harmless("weight_decay", TRAINING),
    Word::harmless("optimizer", TRAINING),
    Word::harmless("lr", TRAINING),
    Word::harmless("beta1", TRAINING),
    Word::harmless("amsgrad", TRAINING),
    Word::harmless("eps", TRAINING),
    Word::harmless("grad_clip", TRAINING),
];

/// What is in no part: the flags of `main.py`, the constructor of pytorch_diffusion, the mean image of another code.
const OUTSIDE: &[Word] = &[
    Word::read(LEVELS, Kind::List),
    Word::read("resolution", Kind::Number),
    Word::read("sample_type", Kind::Text),
    Word::read("skip_type", Kind::Text),
    Word::read("timesteps", Kind::Number),
    Word::read("eta", Kind::Number),
    Word::harmless("seed", COMMAND),
    Word::harmless("exp", COMMAND),
    Word::harmless("doc", COMMAND),
    Word::harmless("image_folder", COMMAND),
    Word::harmless("comment", TRAINING),
    Word::harmless("verbose", TRAINING),
    Word::harmless("test", TRAINING),
    Word::harmless("resume_training", TRAINING),
    Word::harmless("ni", TRAINING),
    Word::harmless("sample", COMMAND),
    Word::harmless("fid", COMMAND),
    Word::harmless("use_pretrained", COMMAND),
    Word::refused("config", &[], "name the file by --config of this program"),
    Word::refused("interpolation", &["false"], OTHER_MODE),
    Word::refused("sequence", &["false"], OTHER_MODE),
    Word::refused("image_mean", &[], "a mean image that is added to samples is not supported"),
];

/// All keys that are known, those of parts first.
pub(crate) fn words() -> impl Iterator<Item = &'static Word> {
    PARTS.iter().flat_map(|(_, words)| *words).chain(OUTSIDE)
}

/// The settings in the parts of a `yml` file; what belongs to none stays outside.
pub(crate) fn in_parts(settings: &Settings) -> Settings {
    let mut parts: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut outside = Settings::default();
    for (key, value) in settings.iter() {
        match PARTS.iter().find(|(_, words)| words.iter().any(|word| word.key == key)) {
            Some((part, _)) => drop(parts.entry(*part).or_default().insert(key.to_owned(), value.clone())),
            None => outside = outside.with(key, value.clone()),
        }
    }
    parts.into_iter().fold(outside, |all, (part, keys)| all.with(part, keys))
}

/// The settings without parts, as the published code reads them.
///
/// What is given outside of the parts counts more than what is in them, and that more than what tensors show.
pub(crate) fn checked(settings: &Settings) -> Result<Settings, CheckpointError> {
    let flat = flattened(settings)?;
    let tables: Vec<&[Word]> = PARTS.iter().map(|(_, words)| *words).chain([OUTSIDE]).collect();
    checked_words(&flat, &tables, "DDIM's code")
}

/// The settings without parts.
pub(crate) fn flattened(settings: &Settings) -> Result<Settings, CheckpointError> {
    let mut inside = Settings::default();
    for (part, words) in PARTS {
        let object = settings.or::<Map<String, Value>>(part, Map::new())?;
        if let Some((key, value)) = object.iter().find(|(key, _)| !words.iter().any(|word| word.key == key.as_str())) {
            let known: Vec<&str> = words.iter().map(|word| word.key).collect();
            return Err(CheckpointError::Setting {
                key: format!("{part}.{key}"),
                value: value.to_string(),
                expected: format!("DDIM's code has no such setting; known are {}", known.join(", ")),
            });
        }
        inside = inside.overlaid(&Settings::new(object));
    }
    let is_part = |key: &str| PARTS.iter().any(|(part, _)| *part == key);
    let outside: Vec<&str> = settings.iter().map(|(key, _)| key).filter(|key| !is_part(key)).collect();
    let (given, seen): (Vec<&str>, Vec<&str>) = outside.into_iter().partition(|key| settings.is_given(key));
    Ok(settings.only(&seen).overlaid(&inside).overlaid(&settings.only(&given)))
}
