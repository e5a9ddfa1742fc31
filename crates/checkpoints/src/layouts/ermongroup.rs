//! The DDPM U-Net as the PyTorch code of DDIM keeps it, and the converted weights of the paper: the settings of
//! its `yml` files and the names of its tensors.
//!
//! Source: Song, Meng, Ermon 2021, arXiv:2010.02502, code (`models/diffusion.py`); the layout of the converted
//! weights of Ho, Jain, Abbeel 2020, arXiv:2006.11239, is the same.

use undrift_networks::{DdpmUnetConfig, Resampling, Sinusoids};

use super::ddpm::{Level, Words, Writer, channels, counted, deepest, down, released_size, resolution, up};
use super::ermongroup_words::{self, LEVELS};
use crate::{Assumed, CheckpointError, Entry, Reading, Settings, Shapes, Word};

/// The layers inside of blocks.
const WORDS: Words = Words {
    time: "temb_proj",
    shortcut: "nin_shortcut",
    attention: ["norm", "q", "k", "v", "proj_out"],
    matrices: false,
};

/// The groups of every normalisation.
const GROUPS: usize = 32;

/// What every normalisation adds to the variance.
const NORM_EPSILON: f64 = 1e-6;

/// Whether these tensors are of this layout.
pub fn recognises(shapes: &Shapes) -> bool {
    ["temb.dense.0.weight", "conv_in.weight", "down.0.block.0.conv1.weight", "mid.block_1.conv1.weight"]
        .iter()
        .all(|name| shapes.contains_key(*name))
}

/// What the shapes and names tell about the configuration, as settings of the `model` part of a `yml` file.
///
/// Which levels attend is seen, but not at how many pixels; they are `attn_levels`, which is not a key of the
/// published code.
///
/// # Errors
///
/// [`NetworkError::Mismatch`](undrift_networks::NetworkError::Mismatch) where a convolution is missing;
/// [`CheckpointError::Setting`] where a width is no multiple of the first one.
pub fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let [base, in_channels] = channels(shapes, "conv_in.weight")?;
    let [out_channels, _] = channels(shapes, "conv_out.weight")?;
    let levels = counted(shapes, |level| format!("down.{level}.block.0.conv1.weight"));
    let width = |level| Ok(channels(shapes, &format!("down.{level}.block.0.conv1.weight"))?[0]);
    let widths: Vec<usize> = (0..levels).map(width).collect::<Result<_, CheckpointError>>()?;
    let attends = |level: &usize| shapes.contains_key(&format!("down.{level}.attn.0.norm.weight"));
    let settings = Settings::default()
        .with("in_channels", in_channels)
        .with("out_ch", out_channels)
        .with("ch", base)
        .with("ch_mult", multipliers(&widths, base)?)
        .with("num_res_blocks", counted(shapes, |block| format!("down.0.block.{block}.conv1.weight")))
        .with("resamp_with_conv", levels < 2 || shapes.contains_key("down.0.downsample.conv.weight"))
        .with(LEVELS, (0..levels).filter(attends).collect::<Vec<_>>());
    Ok(if shapes.contains_key("logvar") { settings.with("type", "bayesian") } else { settings }.all_seen())
}

/// All keys that are known, and what is done with each.
pub fn words() -> impl Iterator<Item = &'static Word> {
    ermongroup_words::words()
}

/// The settings without parts, as the published code reads them; a key that is given by itself counts more than one in a
/// part.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for an unknown key, one that is refused, and a value of another kind.
pub fn checked(settings: &Settings) -> Result<Settings, CheckpointError> {
    ermongroup_words::checked(settings)
}

/// Whether these settings have the parts of a `yml` file of this code.
pub fn has_parts(settings: &Settings) -> bool {
    let part = |name: &str| settings.section(name).unwrap_or_default();
    part("model").value("ch_mult").is_some() || part("diffusion").value("beta_schedule").is_some()
}

/// The settings without parts.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for a part that is no object, and for an unknown key in one.
pub fn flattened(settings: &Settings) -> Result<Settings, CheckpointError> {
    ermongroup_words::flattened(settings)
}

/// The settings in the parts of a `yml` file.
pub fn in_parts(settings: Settings) -> Settings {
    ermongroup_words::in_parts(&settings)
}

/// Widths as multiples of the base width.
fn multipliers(widths: &[usize], base: usize) -> Result<Vec<usize>, CheckpointError> {
    if base == 0 || widths.iter().any(|width| !width.is_multiple_of(base)) {
        let expected = "every width must be a multiple of the first convolution's".to_owned();
        let value = format!("{widths:?}");
        return Err(CheckpointError::Setting { key: "ch_mult".to_owned(), value, expected });
    }
    Ok(widths.iter().map(|width| width / base).collect())
}

/// The configuration that settings of a `yml` file mean, given in its parts (`model`, `data`) or without them.
///
/// An image size that is not given is that of the released models of
/// the same shape (32 for CIFAR-10, 64 for CelebA, 256 for LSUN and CelebA-HQ), and must be given for any
/// other. Dropout that is not given is none.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for a key that is unknown or a value that cannot be honoured;
/// [`CheckpointError::SettingMissing`]; what [`DdpmUnetConfig::validate`] finds.
pub fn config(settings: &Settings) -> Result<DdpmUnetConfig, CheckpointError> {
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

fn read(settings: &Settings) -> Result<(DdpmUnetConfig, Vec<Assumed>), CheckpointError> {
    let settings = checked(settings)?;
    refuse(&settings)?;
    let mut reading = Reading::new(&settings);
    let (base, multiples): (usize, Vec<usize>) = (settings.required("ch")?, settings.required("ch_mult")?);
    let seen: Option<Vec<usize>> = settings.get(LEVELS)?;
    let levels = DdpmUnetConfig::cifar10().with_multiples(base, &multiples);
    let released = seen.as_ref().and_then(|seen| released_size(&levels.widths, seen));
    let image_size = image_size(&settings, released, &mut reading)?;
    let at = |levels: Vec<usize>| levels.into_iter().map(|level| resolution(image_size, level)).collect();
    let attention: Option<Vec<usize>> = settings.get("attn_resolutions")?.or(seen.map(at));
    let convolves = settings.or("resamp_with_conv", true)?;
    let config = DdpmUnetConfig {
        in_channels: settings.required("in_channels")?,
        out_channels: settings.required("out_ch")?,
        image_size,
        blocks: settings.required("num_res_blocks")?,
        attention: attention.ok_or_else(|| CheckpointError::SettingMissing { key: "attn_resolutions".into() })?,
        groups: GROUPS,
        dropout: reading.or("dropout", 0.0, "it is training's alone")?,
        sinusoids: Sinusoids::DDPM,
        norm_epsilon: NORM_EPSILON,
        resampling: if convolves { Resampling::Convolution } else { Resampling::Plain },
        head_channels: None,
        middle_attention: true,
        ..levels
    };
    config.validate()?;
    Ok((config, reading.assumed()))
}

/// `image_size`, which pytorch_diffusion calls `resolution`, or that of the released model of these widths.
fn image_size(
    settings: &Settings,
    released: Option<usize>,
    reading: &mut Reading<'_>,
) -> Result<usize, CheckpointError> {
    match (settings.get("image_size")?, settings.get("resolution")?, released) {
        (Some(size), Some(other), _) if size != other => {
            Err(refused(settings, "resolution", "image_size is another; give one of them"))
        }
        (Some(size), ..) | (None, Some(size), _) => Ok(size),
        (None, None, Some(size)) => {
            Ok(reading.assume("image_size", size, "that of the released model of these widths"))
        }
        (None, None, None) => Err(CheckpointError::SettingMissing { key: "image_size".into() }),
    }
}

/// The settings of a configuration, without parts.
pub fn settings(config: &DdpmUnetConfig) -> Settings {
    Settings::default()
        .with("type", "simple")
        .with("in_channels", config.in_channels)
        .with("out_ch", config.out_channels)
        .with("ch", config.base)
        .with("ch_mult", config.widths.iter().map(|width| width / config.base).collect::<Vec<_>>())
        .with("num_res_blocks", config.blocks)
        .with("attn_resolutions", config.attention.clone())
        .with("dropout", config.dropout)
        .with("resamp_with_conv", config.resampling != Resampling::Plain)
        .with("image_size", config.image_size)
}

/// Whether this layout has words for a configuration.
///
/// # Errors
///
/// [`CheckpointError::Inexpressible`] for other sinusoids, norms, padding or heads than DDPM's, for a middle without
/// attention, and for widths that are no multiples of `base`.
pub fn expresses(config: &DdpmUnetConfig) -> Result<(), CheckpointError> {
    let one_head = config.attending_widths().into_iter().all(|width| config.heads(width) == 1);
    let what = if config.sinusoids != Sinusoids::DDPM {
        format!("{:?}, only sines before cosines with shift 1", config.sinusoids)
    } else if config.groups != GROUPS {
        format!("{} groups, only {GROUPS}", config.groups)
    } else if config.norm_epsilon != NORM_EPSILON {
        format!("norm_epsilon {:e}, only {NORM_EPSILON:e}", config.norm_epsilon)
    } else if config.resampling == Resampling::CentredConvolution {
        "padding on all sides before halving the resolution, only below and to the right".into()
    } else if !one_head {
        "attention with several heads".into()
    } else if !config.middle_attention {
        "a middle without attention".into()
    } else if config.widths.iter().any(|width| !width.is_multiple_of(config.base)) {
        format!("levels of the widths {:?}, only multiples of the first convolution's {}", config.widths, config.base)
    } else {
        return Ok(());
    };
    Err(CheckpointError::Inexpressible { layout: "ermongroup", what })
}

/// All tensors of the layout for a valid configuration, in the order of the `state_dict`.
pub fn entries(config: &DdpmUnetConfig) -> Vec<Entry> {
    let mut writer = Writer::new(WORDS, config);
    let (base, width) = (config.base, deepest(config));
    writer.dense("temb.dense.0", "time.expand", [base, 4 * base]);
    writer.dense("temb.dense.1", "time.mix", [4 * base; 2]);
    writer.conv("conv_in", "conv_in", [config.in_channels, base], 3);
    for (index, level) in down(config).iter().enumerate() {
        write_level(&mut writer, &format!("down.{index}"), &format!("down.{index}"), "downsample", level);
    }
    writer.block("mid.block_1", "middle.first", [width; 2]);
    if config.middle_attention {
        writer.attention("mid.attn_1", "middle.attention", width);
    }
    writer.block("mid.block_2", "middle.last", [width; 2]);
    // They count the levels of the way up from the finest, we from the deepest.
    for (ours, level) in up(config).iter().enumerate().rev() {
        let theirs = config.widths.len() - 1 - ours;
        write_level(&mut writer, &format!("up.{theirs}"), &format!("up.{ours}"), "upsample", level);
    }
    writer.norm("norm_out", "norm_out", config.widths[0]);
    writer.conv("conv_out", "conv_out", [config.widths[0], config.out_channels], 3);
    writer.finish()
}

/// All attentions of a level stand after its blocks.
fn write_level(writer: &mut Writer, theirs: &str, ours: &str, sampler: &str, level: &Level) {
    for (stage, widths) in level.blocks.iter().enumerate() {
        writer.block(&format!("{theirs}.block.{stage}"), &format!("{ours}.stages.{stage}.block"), *widths);
    }
    if level.attends {
        for (stage, [_, width]) in level.blocks.iter().enumerate() {
            let (theirs, ours) = (format!("{theirs}.attn.{stage}"), format!("{ours}.stages.{stage}.attention"));
            writer.attention(&theirs, &ours, *width);
        }
    }
    if let Some(width) = level.resample {
        writer.conv(&format!("{theirs}.{sampler}.conv"), &format!("{ours}.resample"), [width; 2], 3);
    }
}

/// Refuses the networks that have more parameters, and images of other channels than the network's.
fn refuse(settings: &Settings) -> Result<(), CheckpointError> {
    if settings.value("type").is_some_and(|kind| kind != "simple") {
        return Err(refused(settings, "type", "only \"simple\" is supported"));
    }
    let channels = (settings.get::<usize>("channels")?, settings.get::<usize>("in_channels")?);
    if let (Some(data), Some(network)) = channels
        && data != network
    {
        return Err(refused(settings, "channels", &format!("the network takes {network}")));
    }
    Ok(())
}

fn refused(settings: &Settings, key: &str, expected: &str) -> CheckpointError {
    let value = settings.value(key).map_or_else(|| "null".into(), ToString::to_string);
    CheckpointError::Setting { key: key.into(), value, expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// `cifar10.yml` of the published code.
    fn published() -> Settings {
        let model = json!({
            "type": "simple", "in_channels": 3, "out_ch": 3, "ch": 128, "ch_mult": [1, 2, 2, 2],
            "num_res_blocks": 2, "attn_resolutions": [16], "dropout": 0.1, "var_type": "fixedlarge",
            "ema_rate": 0.9999, "ema": true, "resamp_with_conv": true,
        });
        let data = json!({"dataset": "CIFAR10", "image_size": 32, "channels": 3, "rescaled": true});
        Settings::default().with("model", model).with("data", data).with("diffusion", json!({"beta_end": 0.02}))
    }

    #[test]
    fn a_yml_file_is_read_in_its_parts() {
        assert_eq!(config(&published()).unwrap(), DdpmUnetConfig::cifar10());
        let flat = flattened(&published()).unwrap();
        assert_eq!(config(&flat).unwrap(), DdpmUnetConfig::cifar10());
        let seen = Settings::default().with("ch", 64).with("num_res_blocks", 3).all_seen();
        let over_seen = config(&seen.overlaid(&published())).unwrap();
        assert_eq!(over_seen, DdpmUnetConfig::cifar10(), "a part counts more than what tensors show");
        let given = config(&published().with("ch", 64)).unwrap();
        assert_eq!(given.base, 64, "what is given by itself counts more than a part");
    }

    #[test]
    fn the_names_of_pytorch_diffusion_are_read() {
        let flat = settings(&DdpmUnetConfig::cifar10()).with("image_size", Value::Null).with("resolution", 32);
        assert_eq!(config(&flat).unwrap(), DdpmUnetConfig::cifar10());
        let both = config(&flat.with("image_size", 64)).unwrap_err().to_string();
        assert!(both.contains("`resolution` is 32"), "{both}");
        let text = published().with("ch_mult", "1,2,2,2").with("attn_resolutions", 16);
        assert_eq!(config(&text).unwrap(), DdpmUnetConfig::cifar10());
    }

    #[test]
    fn an_image_size_of_the_released_models_is_assumed_aloud() {
        let shapes = entries(&DdpmUnetConfig::cifar10()).into_iter().map(|entry| (entry.theirs, entry.shape)).collect();
        let seen = infer(&shapes).unwrap();
        let said: Vec<String> =
            assumed(&seen).unwrap().iter().map(|one| format!("{} {}", one.key, one.value)).collect();
        assert_eq!(said, ["image_size 32", "dropout 0.0"]);
        assert_eq!(assumed(&seen.with("image_size", 32).with("dropout", 0.1)).unwrap(), []);
    }

    #[test]
    fn every_part_has_its_own_keys() {
        for (part, key) in [("model", "beta_start"), ("data", "ch"), ("optim", "learning_rate")] {
            let message = config(&published().with(part, json!({key: 1}))).unwrap_err().to_string();
            assert!(message.contains(&format!("`{part}.{key}`")) && message.contains("known are"), "{message}");
        }
    }

    #[test]
    fn settings_go_into_their_parts() {
        let diffusion = json!({"beta_schedule": "quad", "num_diffusion_timesteps": 100});
        let flat = settings(&DdpmUnetConfig::cifar10()).with("var_type", "fixedsmall").with("timesteps", 10);
        let flat = diffusion.as_object().unwrap().iter().fold(flat, |all, (key, value)| all.with(key, value.clone()));
        let parts = in_parts(flat.clone());
        let keys: Vec<&str> = parts.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["data", "diffusion", "model", "timesteps"]);
        assert_eq!(parts.value("diffusion"), Some(&diffusion));
        assert_eq!(parts.section("data").unwrap().value("image_size"), Some(&json!(32)));
        assert_eq!(parts.section("model").unwrap().value("var_type"), Some(&json!("fixedsmall")));
        assert_eq!(checked(&parts).unwrap(), checked(&flat).unwrap());
    }

    #[test]
    fn levels_become_pixels_where_the_image_size_is_given() {
        let flat = settings(&DdpmUnetConfig::cifar10()).with("attn_resolutions", Value::Null).with(LEVELS, [0, 2]);
        assert_eq!(config(&flat).unwrap().attention, [32, 8]);
        let missing = |settings: Settings| config(&settings).expect_err("must be asked for").to_string();
        assert!(missing(flat.clone().with(LEVELS, Value::Null)).contains("`attn_resolutions`"));
        assert!(missing(flat.clone().with("image_size", Value::Null)).contains("`image_size`"));
        let deep = flat.with(LEVELS, [70]);
        assert!(missing(deep).contains("resolution 0 has no level"));
    }

    #[test]
    fn what_makes_another_network_is_refused_by_name() {
        let message = |key: &str, value: Value| {
            let given = settings(&DdpmUnetConfig::cifar10()).with(key, value);
            config(&given).expect_err("must be refused").to_string()
        };
        assert!(message("type", json!("bayesian")).contains("`type` is \"bayesian\""));
        assert!(message("conditional", json!(true)).contains("`conditional` is true"));
        assert!(message("channels", json!(1)).contains("the network takes 3"));
        assert!(message("ch", json!(48)).contains("groups is 32"));
        assert!(message("model", json!(3)).contains("`model` is 3"));
    }

    #[test]
    fn what_has_no_words_is_named() {
        let refused = |change: fn(&mut DdpmUnetConfig), named: &str| {
            let mut config = DdpmUnetConfig::cifar10();
            change(&mut config);
            let text = expresses(&config).expect_err("must be refused").to_string();
            assert!(text.contains("ermongroup") && text.contains(named), "{text}");
        };
        refused(|c| c.sinusoids.cosines_first = true, "cosines_first: true");
        refused(|c| c.groups = 16, "16 groups");
        refused(|c| c.norm_epsilon = 1e-5, "norm_epsilon 1e-5");
        refused(|c| c.resampling = Resampling::CentredConvolution, "padding on all sides");
        refused(|c| c.head_channels = Some(64), "several heads");
        refused(|c| c.middle_attention = false, "a middle without attention");
        refused(|c| c.widths[1] = 192, "[128, 192, 256, 256]");
        let one_head = DdpmUnetConfig { head_channels: Some(256), ..DdpmUnetConfig::cifar10() };
        expresses(&one_head).unwrap();
    }

    #[test]
    fn a_network_with_learned_variances_of_its_own_is_refused() {
        let mut shapes: Shapes =
            entries(&DdpmUnetConfig::cifar10()).into_iter().map(|entry| (entry.theirs, entry.shape)).collect();
        shapes.insert("logvar".into(), vec![1000]);
        assert!(config(&infer(&shapes).unwrap()).is_err());
    }
}
