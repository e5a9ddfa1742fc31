//! What the layouts of guided-diffusion's U-Net and classifier have in common.

use serde_json::{Value, json};
use undrift_networks::{AdmHeads, AdmTrunkConfig};

use crate::{CheckpointError, Entry, Reading, Settings, Shapes};

/// Collects the entries of a layout, layer by layer.
#[derive(Default)]
pub(crate) struct Listing(pub(crate) Vec<Entry>);

impl Listing {
    pub(crate) fn tensor(&mut self, theirs: &str, ours: &str, shape: &[usize]) {
        let (theirs, ours, shape) = (theirs.into(), ours.into(), shape.to_vec());
        self.0.push(Entry { theirs, ours, shape, transposed: false });
    }

    /// Weight and bias of a convolution or a dense layer.
    pub(crate) fn layer(&mut self, theirs: &str, ours: &str, weight: &[usize]) {
        self.tensor(&format!("{theirs}.weight"), &format!("{ours}.weight"), weight);
        self.tensor(&format!("{theirs}.bias"), &format!("{ours}.bias"), &weight[..1]);
    }

    pub(crate) fn norm(&mut self, theirs: &str, ours: &str, width: usize) {
        self.tensor(&format!("{theirs}.weight"), &format!("{ours}.gamma"), &[width]);
        self.tensor(&format!("{theirs}.bias"), &format!("{ours}.beta"), &[width]);
    }

    pub(crate) fn embedding(&mut self, base: usize) {
        self.layer("time_embed.0", "trunk.time.expand", &[4 * base, base]);
        self.layer("time_embed.2", "trunk.time.mix", &[4 * base, 4 * base]);
    }

    pub(crate) fn block(&mut self, theirs: &str, ours: &str, [from, to]: [usize; 2], trunk: &AdmTrunkConfig) {
        let embedded = if trunk.scale_shift { 2 * to } else { to };
        self.norm(&format!("{theirs}.in_layers.0"), &format!("{ours}.norm1"), from);
        self.layer(&format!("{theirs}.in_layers.2"), &format!("{ours}.conv1"), &[to, from, 3, 3]);
        self.layer(&format!("{theirs}.emb_layers.1"), &format!("{ours}.embedding"), &[embedded, 4 * trunk.base]);
        self.norm(&format!("{theirs}.out_layers.0"), &format!("{ours}.norm2"), to);
        self.layer(&format!("{theirs}.out_layers.3"), &format!("{ours}.conv2"), &[to, to, 3, 3]);
        if from != to {
            self.layer(&format!("{theirs}.skip_connection"), &format!("{ours}.shortcut"), &[to, from, 1, 1]);
        }
    }

    pub(crate) fn attention(&mut self, theirs: &str, ours: &str, width: usize) {
        self.norm(&format!("{theirs}.norm"), &format!("{ours}.norm"), width);
        self.layer(&format!("{theirs}.qkv"), &format!("{ours}.qkv"), &[3 * width, width, 1]);
        self.layer(&format!("{theirs}.proj_out"), &format!("{ours}.out"), &[width, width, 1]);
    }

    /// A change of resolution; `conv` is what the published code calls its convolution.
    pub(crate) fn resample(&mut self, theirs: &str, conv: &str, ours: &str, width: usize, trunk: &AdmTrunkConfig) {
        if trunk.block_resample {
            self.block(theirs, &format!("{ours}.block"), [width, width], trunk);
        } else if trunk.conv_resample {
            self.layer(&format!("{theirs}.{conv}"), &format!("{ours}.conv"), &[width, width, 3, 3]);
        }
    }

    /// The way down and the middle; the result is the width of every skip.
    pub(crate) fn down_and_middle(&mut self, trunk: &AdmTrunkConfig) -> Vec<usize> {
        let mut from = trunk.widths[0];
        let mut skips = vec![from];
        self.layer("input_blocks.0.0", "trunk.conv_in", &[from, trunk.in_channels, 3, 3]);
        for (level, &to) in trunk.widths.iter().enumerate() {
            for stage in 0..trunk.blocks {
                let (theirs, ours) =
                    (format!("input_blocks.{}", skips.len()), format!("trunk.down.{level}.stages.{stage}"));
                self.block(&format!("{theirs}.0"), &format!("{ours}.block"), [from, to], trunk);
                if trunk.attends(level) {
                    self.attention(&format!("{theirs}.1"), &format!("{ours}.attention"), to);
                }
                skips.push(to);
                from = to;
            }
            if level + 1 < trunk.widths.len() {
                let theirs = format!("input_blocks.{}.0", skips.len());
                self.resample(&theirs, "op", &format!("trunk.down.{level}.resample"), to, trunk);
                skips.push(to);
            }
        }
        self.block("middle_block.0", "trunk.middle.first", [from, from], trunk);
        self.attention("middle_block.1", "trunk.middle.attention", from);
        self.block("middle_block.2", "trunk.middle.last", [from, from], trunk);
        skips
    }
}

/// What names and shapes tell about the way down, in the constructor's words.
///
/// What they do not tell and released models do not agree on is `null`: heads and the order of their channels.
/// Callers add what they see themselves, and mark all of it as seen.
pub(crate) fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let base = size(shapes, "time_embed.0.weight", 1)?;
    let seen = Seen { shapes, inputs: count(shapes, "input_blocks") };
    let mut fitting = (1..seen.inputs).filter(|blocks| seen.fits(*blocks));
    let (Some(blocks), None) = (fitting.next(), fitting.next()) else {
        return Err(CheckpointError::SettingMissing { key: "num_res_blocks".into() });
    };
    let levels = seen.inputs / (blocks + 1);
    let first = |level: usize| 1 + level * (blocks + 1);
    let widths: Vec<usize> = (0..levels).filter_map(|level| seen.width(first(level))).collect();
    let rates: Vec<usize> = (0..levels).filter(|l| seen.attends(first(*l))).map(|l| 1 << l).collect();
    let multiples: Vec<Value> = widths.iter().map(|width| multiple(*width, base)).collect();
    let embedded = size(shapes, "input_blocks.1.0.emb_layers.1.weight", 0)?;
    let kind = (levels > 1).then(|| seen.kind(blocks + 1));
    let settings = Settings::default()
        .with("in_channels", size(shapes, "input_blocks.0.0.weight", 1)?)
        .with("model_channels", base)
        .with("channel_mult", multiples)
        .with("num_res_blocks", blocks)
        .with("attention_resolutions", rates)
        .with("use_scale_shift_norm", embedded == 2 * widths[0])
        .with("num_heads", Value::Null)
        .with("use_new_attention_order", Value::Null);
    Ok(match kind {
        Some(Kind::Block) => settings.with("resblock_updown", true),
        Some(kind) => settings.with("resblock_updown", false).with("conv_resample", kind == Kind::Conv),
        None => settings,
    })
}

/// One dimension of a tensor that every network of the layout has.
pub(crate) fn size(shapes: &Shapes, name: &str, dimension: usize) -> Result<usize, CheckpointError> {
    let shape = shapes.get(name).and_then(|shape| shape.get(dimension));
    shape.copied().ok_or_else(|| CheckpointError::SettingMissing { key: name.into() })
}

/// One more than the largest index in `prefix.INDEX.`.
fn count(shapes: &Shapes, prefix: &str) -> usize {
    let index = |name: &String| name.strip_prefix(prefix)?.strip_prefix('.')?.split('.').next()?.parse::<usize>().ok();
    shapes.keys().filter_map(index).max().map_or(0, |last| last + 1)
}

fn multiple(width: usize, base: usize) -> Value {
    if width.is_multiple_of(base) { json!(width / base) } else { json!(width as f64 / base as f64) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Conv,
    Nothing,
}

/// The input blocks as names and shapes show them.
struct Seen<'a> {
    shapes: &'a Shapes,
    inputs: usize,
}

impl Seen<'_> {
    fn kind(&self, index: usize) -> Kind {
        if self.shapes.contains_key(&format!("input_blocks.{index}.0.op.weight")) {
            Kind::Conv
        } else if self.width(index).is_some() {
            Kind::Block
        } else {
            Kind::Nothing
        }
    }

    fn width(&self, index: usize) -> Option<usize> {
        self.shapes.get(&format!("input_blocks.{index}.0.out_layers.3.weight")).map(|shape| shape[0])
    }

    fn attends(&self, index: usize) -> bool {
        self.shapes.contains_key(&format!("input_blocks.{index}.1.qkv.weight"))
    }

    /// Whether so many blocks per level explain every input block and what follows every output block.
    fn fits(&self, blocks: usize) -> bool {
        let period = blocks + 1;
        let resampling = self.kind(period);
        let fits = |index: usize| {
            let first = (index - 1) / period * period + 1;
            match index % period {
                0 => self.kind(index) == resampling && !self.attends(index) && self.keeps(index, first),
                _ => {
                    let like_first = self.attends(index) == self.attends(first);
                    self.kind(index) == Kind::Block && like_first && self.keeps(index, first)
                }
            }
        };
        self.inputs.is_multiple_of(period) && (1..self.inputs).all(fits) && self.outputs_fit(period, resampling)
    }

    fn keeps(&self, index: usize, first: usize) -> bool {
        self.width(index).is_none_or(|width| Some(width) == self.width(first))
    }

    fn outputs_fit(&self, period: usize, resampling: Kind) -> bool {
        let outputs = count(self.shapes, "output_blocks");
        let blocks = |index: usize| {
            let has = |part| self.shapes.contains_key(&format!("output_blocks.{index}.{part}.in_layers.0.weight"));
            has(1) || has(2)
        };
        let expected = |index: usize| resampling == Kind::Block && (index + 1).is_multiple_of(period);
        (0..outputs.saturating_sub(1)).all(|index| blocks(index) == expected(index))
    }
}

/// The configuration of the way down, from settings in the constructor's words.
pub(crate) fn config(settings: &Settings) -> Result<AdmTrunkConfig, CheckpointError> {
    let base: usize = settings.required("model_channels")?;
    let multiples: Vec<f64> = settings.or("channel_mult", vec![1.0, 2.0, 4.0, 8.0])?;
    let widths: Vec<usize> = multiples.iter().map(|multiple| (multiple * base as f64) as usize).collect();
    let rates: Vec<usize> = settings.required("attention_resolutions")?;
    // A rate that no level has is never asked for by the published code.
    let attention = rates.into_iter().filter(|rate| (0..widths.len()).any(|level| 1 << level == *rate)).collect();
    if settings.or("dims", 2)? != 2 {
        return Err(refused(settings, "dims", "only networks of two dimensions are here"));
    }
    Ok(AdmTrunkConfig {
        in_channels: settings.required("in_channels")?,
        image_size: settings.required("image_size")?,
        base,
        widths,
        blocks: settings.required("num_res_blocks")?,
        attention,
        heads: heads(settings, "num_heads")?,
        new_attention_order: unseen(settings, "use_new_attention_order", false)?,
        scale_shift: settings.or("use_scale_shift_norm", false)?,
        block_resample: settings.or("resblock_updown", false)?,
        conv_resample: settings.or("conv_resample", true)?,
        dropout: settings.or("dropout", 0.0)?,
    })
}

/// The heads by `num_head_channels`, else by `key`; -1 is the published code's word for not given.
pub(crate) fn heads(settings: &Settings, key: &str) -> Result<AdmHeads, CheckpointError> {
    let given = |key: &str| Ok::<_, CheckpointError>(settings.get::<i64>(key)?.filter(|value| *value != -1));
    let (name, value) = match given("num_head_channels")? {
        Some(channels) => ("num_head_channels", channels),
        None => (key, given(key)?.map_or_else(|| unseen(settings, "num_heads", 1), Ok)?),
    };
    let number = usize::try_from(value).map_err(|_| refused(settings, name, "give a number of at least 1, or -1"))?;
    Ok(if name == "num_head_channels" { AdmHeads::Channels(number) } else { AdmHeads::Number(number) })
}

/// A setting with the constructor's default, unless inference left it open.
fn unseen<T: serde::de::DeserializeOwned>(settings: &Settings, key: &str, default: T) -> Result<T, CheckpointError> {
    let open = settings.iter().any(|(name, value)| name == key && value.is_null());
    if open { settings.required(key) } else { settings.or(key, default) }
}

/// Settings in the constructor's words of a way down.
pub(crate) fn settings(trunk: &AdmTrunkConfig) -> Settings {
    let multiples: Vec<Value> = trunk.widths.iter().map(|width| multiple(*width, trunk.base)).collect();
    let settings = Settings::default()
        .with("image_size", trunk.image_size)
        .with("in_channels", trunk.in_channels)
        .with("model_channels", trunk.base)
        .with("channel_mult", multiples)
        .with("num_res_blocks", trunk.blocks)
        .with("attention_resolutions", trunk.attention.clone())
        .with("use_new_attention_order", trunk.new_attention_order)
        .with("use_scale_shift_norm", trunk.scale_shift)
        .with("resblock_updown", trunk.block_resample)
        .with("conv_resample", trunk.conv_resample)
        .with("dropout", trunk.dropout);
    match trunk.heads {
        AdmHeads::Number(heads) => settings.with("num_heads", heads),
        AdmHeads::Channels(channels) => settings.with("num_head_channels", channels),
    }
}

/// Whether somebody gave this list as the scripts have it: a text or one number instead of a list.
pub(crate) fn is_text(settings: &Settings, key: &str) -> bool {
    matches!(settings.value(key), Some(Value::String(_) | Value::Number(_)))
}

/// Settings without texts: pixel sizes as rates, multipliers as numbers, the empty ones by image size.
pub(crate) fn without_texts(settings: Settings) -> Result<Settings, CheckpointError> {
    let mut result = settings.clone();
    if is_text(&settings, "attention_resolutions") {
        let image: usize = settings.required("image_size")?;
        let sizes = numbers(&settings, "attention_resolutions")?;
        let rates: Vec<usize> = sizes.iter().map(|size| (image as f64 / size) as usize).collect();
        result = result.with("attention_resolutions", rates);
    }
    if is_text(&settings, "channel_mult") {
        let multiples = match settings.value("channel_mult").and_then(Value::as_str).map(str::trim) {
            Some("") => published_multiples(&settings)?,
            _ => numbers(&settings, "channel_mult")?,
        };
        result = result.with("channel_mult", multiples);
    }
    Ok(result)
}

/// Numbers with commas between them, in brackets or not.
fn numbers(settings: &Settings, key: &str) -> Result<Vec<f64>, CheckpointError> {
    let value = settings.value(key).unwrap_or(&Value::Null);
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let bare = text.trim().trim_start_matches(['(', '[']).trim_end_matches([')', ']', ',', ' ']);
    let read = |part: &str| part.trim().parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    let numbers: Option<Vec<f64>> = bare.split(',').map(read).collect();
    numbers.ok_or_else(|| refused(settings, key, "give positive numbers with commas between them"))
}

fn published_multiples(settings: &Settings) -> Result<Vec<f64>, CheckpointError> {
    let size = settings.required::<usize>("image_size")?;
    multiples_of(size).ok_or_else(|| refused(settings, "image_size", "no published multipliers; give channel_mult"))
}

/// The published multipliers of an image size; those of 32 are improved-diffusion's and DDPM-IP's.
pub(crate) fn multiples_of(image_size: usize) -> Option<Vec<f64>> {
    Some(match image_size {
        512 => vec![0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0],
        256 => vec![1.0, 1.0, 2.0, 2.0, 4.0, 4.0],
        128 => vec![1.0, 1.0, 2.0, 3.0, 4.0],
        64 => vec![1.0, 2.0, 3.0, 4.0],
        32 => vec![1.0, 2.0, 2.0, 2.0],
        _ => return None,
    })
}

/// The settings by scripts' defaults where these say nothing, each of which is assumed.
pub(crate) fn by_default(
    settings: &Settings,
    defaults: &[(&'static str, Value)],
    reading: &mut Reading<'_>,
) -> Settings {
    let missing = defaults.iter().filter(|(key, _)| settings.value(key).is_none());
    missing.fold(settings.clone(), |all, (key, value)| {
        let heads_are_given = *key == "num_heads" && heads_by_channels(settings);
        if heads_are_given { all } else { all.with(key, reading.assume(key, value.clone(), SCRIPTS_DEFAULT)) }
    })
}

/// Whether heads follow from their channels, so that their number is not looked at.
fn heads_by_channels(settings: &Settings) -> bool {
    settings.value("num_head_channels").is_some_and(|channels| *channels != json!(-1))
}

const SCRIPTS_DEFAULT: &str = "what the published scripts take";

/// The error of a setting that is given and cannot be.
pub(crate) fn refused(settings: &Settings, key: &str, expected: &str) -> CheckpointError {
    let value = settings.value(key).map_or_else(|| "null".into(), Value::to_string);
    CheckpointError::Setting { key: key.into(), value, expected: expected.into() }
}
