//! What the U-Net and the classifier of guided-diffusion share: names, vocabulary, what shapes tell.

use undrift_networks::{AdmHeads, AdmShape, AttentionOrder};

use super::list::List;
use crate::{CheckpointError, Settings, Shapes};

/// Keys of the published code that do not change a trained network.
const WITHOUT_EFFECT: [&str; 34] = [
    "dropout",
    "use_checkpoint",
    "use_fp16",
    "classifier_use_fp16",
    "diffusion_steps",
    "noise_schedule",
    "timestep_respacing",
    "use_kl",
    "predict_xstart",
    "rescale_timesteps",
    "rescale_learned_sigmas",
    "sigma_small",
    "lr",
    "weight_decay",
    "lr_anneal_steps",
    "batch_size",
    "microbatch",
    "ema_rate",
    "log_interval",
    "save_interval",
    "resume_checkpoint",
    "schedule_sampler",
    "fp16_scale_growth",
    "data_dir",
    "clip_denoised",
    "num_samples",
    "use_ddim",
    "model_path",
    "classifier_path",
    "classifier_scale",
    "input_pertub",
    "eps_scaler",
    "large_size",
    "small_size",
];

/// Refuses keys that are neither among `known` nor without effect.
pub(super) fn refuse_unknown(s: &Settings, known: &[&str]) -> Result<(), CheckpointError> {
    match s.iter().find(|(key, _)| !known.contains(key) && !WITHOUT_EFFECT.contains(key)) {
        None => Ok(()),
        Some((key, value)) => Err(CheckpointError::Setting {
            key: key.to_owned(),
            value: value.to_string(),
            expected: "guided-diffusion has no such setting".to_owned(),
        }),
    }
}

/// Keys of the part that both networks share.
pub(super) const SHARED: [&str; 17] = [
    "image_size",
    "in_channels",
    "model_channels",
    "num_channels",
    "num_res_blocks",
    "attention_resolutions",
    "channel_mult",
    "conv_resample",
    "dims",
    "num_heads",
    "num_head_channels",
    "num_heads_upsample",
    "use_scale_shift_norm",
    "resblock_updown",
    "use_new_attention_order",
    "num_classes",
    "out_channels",
];

/// The shared part of the configuration; `width` is the key of the base width.
pub(super) fn shape(s: &Settings) -> Result<AdmShape, CheckpointError> {
    if s.or("dims", 2)? != 2 {
        return Err(wrong("dims", s, "only images (2) are supported"));
    }
    let scripts = s.value("model_channels").is_none();
    let image_size = match s.get("image_size")? {
        Some(size) => size,
        None => published_size(&multipliers(s, None, scripts)?)
            .ok_or_else(|| CheckpointError::SettingMissing { key: "image_size".into() })?,
    };
    let base = match s.get("model_channels")? {
        Some(base) => base,
        None => s.required("num_channels")?,
    };
    Ok(AdmShape {
        image_size,
        in_channels: s.or("in_channels", 3)?,
        base,
        multipliers: multipliers(s, Some(image_size), scripts)?,
        blocks: if scripts { s.or("num_res_blocks", 2)? } else { s.required("num_res_blocks")? },
        attention_rates: attention_rates(s, image_size)?,
        heads: heads(s, scripts)?,
        order: if s.or("use_new_attention_order", false)? { AttentionOrder::New } else { AttentionOrder::Legacy },
        scale_shift: s.or("use_scale_shift_norm", scripts)?,
        residual_resampling: s.or("resblock_updown", false)?,
        conv_resampling: s.or("conv_resample", true)?,
    })
}

/// Width multipliers by image size, as the scripts choose them; 32 is that of improved-diffusion and DDPM-IP.
const PUBLISHED: [(usize, &[f64]); 5] = [
    (512, &[0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0]),
    (256, &[1.0, 1.0, 2.0, 2.0, 4.0, 4.0]),
    (128, &[1.0, 1.0, 2.0, 3.0, 4.0]),
    (64, &[1.0, 2.0, 3.0, 4.0]),
    (32, &[1.0, 2.0, 2.0, 2.0]),
];

fn published_size(multipliers: &[f64]) -> Option<usize> {
    PUBLISHED.iter().find(|(_, published)| *published == multipliers).map(|(size, _)| *size)
}

fn multipliers(s: &Settings, image_size: Option<usize>, scripts: bool) -> Result<Vec<f64>, CheckpointError> {
    let key = "channel_mult";
    match s.value(key) {
        Some(value) if value.is_array() => s.required(key),
        Some(value) if value.as_str().is_some_and(|text| !text.is_empty()) => {
            let text: String = s.required(key)?;
            let numbers = text.split(',').map(|part| part.trim().parse());
            numbers.collect::<Result<_, _>>().map_err(|_| wrong(key, s, "write numbers with commas between, as 1,2,2"))
        }
        _ if !scripts => Ok(vec![1.0, 2.0, 4.0, 8.0]),
        _ => {
            let published = PUBLISHED.iter().find(|(size, _)| Some(*size) == image_size);
            let missing = || CheckpointError::SettingMissing { key: key.into() };
            published.map(|(_, multipliers)| multipliers.to_vec()).ok_or_else(missing)
        }
    }
}

/// A list holds rates of downsampling, a text sizes in pixels.
fn attention_rates(s: &Settings, image_size: usize) -> Result<Vec<usize>, CheckpointError> {
    let key = "attention_resolutions";
    match s.value(key) {
        Some(value) if value.is_string() => {
            let text: String = s.required(key)?;
            let sizes = text.split(',').filter(|part| !part.trim().is_empty()).map(|part| part.trim().parse());
            let sizes: Result<Vec<usize>, _> = sizes.collect();
            let sizes = sizes.map_err(|_| wrong(key, s, "write sizes in pixels with commas between, as 16,8"))?;
            if sizes.contains(&0) {
                return Err(wrong(key, s, "a size is at least 1"));
            }
            Ok(sizes.into_iter().map(|size| image_size / size).filter(|rate| *rate > 0).collect())
        }
        Some(_) => s.required(key),
        None => Ok([16, 8].iter().map(|size| image_size / size).filter(|rate| *rate > 0).collect()),
    }
}

fn heads(s: &Settings, scripts: bool) -> Result<AdmHeads, CheckpointError> {
    let width: i64 = s.or("num_head_channels", -1)?;
    let count: i64 = s.or("num_heads", if scripts { 4 } else { 1 })?;
    let up: i64 = s.or("num_heads_upsample", -1)?;
    if up != -1 && up != count && width == -1 {
        return Err(wrong("num_heads_upsample", s, "another number of heads on the way up is not supported"));
    }
    let at_least_one = |key: &str, n: i64| usize::try_from(n).map_err(|_| wrong(key, s, "it is -1 or at least 1"));
    match width {
        -1 => at_least_one("num_heads", count).map(AdmHeads::Count),
        _ => at_least_one("num_head_channels", width).map(AdmHeads::Width),
    }
}

fn wrong(key: &str, s: &Settings, expected: &str) -> CheckpointError {
    let value = s.value(key).map_or("absent".to_owned(), ToString::to_string);
    CheckpointError::Setting { key: key.to_owned(), value, expected: expected.to_owned() }
}

/// The settings of the shared part.
pub(super) fn settings(shape: &AdmShape) -> Settings {
    let s = Settings::default()
        .with("image_size", shape.image_size)
        .with("in_channels", shape.in_channels)
        .with("model_channels", shape.base)
        .with("channel_mult", shape.multipliers.clone())
        .with("num_res_blocks", shape.blocks)
        .with("attention_resolutions", shape.attention_rates.clone())
        .with("use_new_attention_order", shape.order == AttentionOrder::New)
        .with("use_scale_shift_norm", shape.scale_shift)
        .with("resblock_updown", shape.residual_resampling)
        .with("conv_resample", shape.conv_resampling);
    match shape.heads {
        AdmHeads::Count(heads) => s.with("num_heads", heads),
        AdmHeads::Width(channels) => s.with("num_head_channels", channels),
    }
}

/// The tensors of the time's embedding.
pub(super) fn time_entries(shape: &AdmShape, list: &mut List) {
    let width = shape.time_width();
    list.dense("time_embed.0", "time.expand", [shape.base, width]);
    list.dense("time_embed.2", "time.mix", [width, width]);
}

/// The tensors of the way down and the bottom; gives the widths of the skips.
pub(super) fn encoder_entries(shape: &AdmShape, list: &mut List) -> Vec<usize> {
    let widths = shape.widths();
    let (mut from, mut number) = (widths[0], 0);
    let mut skips = vec![from];
    list.layer("input_blocks.0.0", "encoder.conv_in", &[from, shape.in_channels, 3, 3]);
    for (level, &to) in widths.iter().enumerate() {
        for stage in 0..shape.blocks {
            number += 1;
            let (theirs, ours) = (format!("input_blocks.{number}"), format!("encoder.down.{level}.stages.{stage}"));
            stage_entries(&theirs, &ours, [from, to], shape.attends(1 << level), shape, list);
            skips.push(to);
            from = to;
        }
        if level + 1 < widths.len() {
            number += 1;
            let (theirs, ours) = (format!("input_blocks.{number}.0"), format!("encoder.down.{level}.halve"));
            resample_entries(&theirs, "op", &ours, to, shape, list);
            skips.push(to);
        }
    }
    block_entries("middle_block.0", "encoder.middle.first", [from, from], shape, list);
    attention_entries("middle_block.1", "encoder.middle.attention", from, list);
    block_entries("middle_block.2", "encoder.middle.last", [from, from], shape, list);
    skips
}

/// A residual block and the attention after it.
pub(super) fn stage_entries(
    theirs: &str,
    ours: &str,
    widths: [usize; 2],
    attends: bool,
    shape: &AdmShape,
    list: &mut List,
) {
    block_entries(&format!("{theirs}.0"), &format!("{ours}.block"), widths, shape, list);
    if attends {
        attention_entries(&format!("{theirs}.1"), &format!("{ours}.attention"), widths[1], list);
    }
}

/// A change of resolution; `conv` is what the convolution outside a residual block is called.
pub(super) fn resample_entries(theirs: &str, conv: &str, ours: &str, width: usize, shape: &AdmShape, list: &mut List) {
    if shape.residual_resampling {
        block_entries(theirs, &format!("{ours}.block"), [width, width], shape, list);
    } else if shape.conv_resampling {
        list.layer(&format!("{theirs}.{conv}"), &format!("{ours}.plain.conv"), &[width, width, 3, 3]);
    }
}

fn block_entries(theirs: &str, ours: &str, [from, to]: [usize; 2], shape: &AdmShape, list: &mut List) {
    let projected = if shape.scale_shift { 2 * to } else { to };
    let both = |a: &str, b: &str| (format!("{theirs}.{a}"), format!("{ours}.{b}"));
    let (a, b) = both("in_layers.0", "norm1");
    list.norm(&a, &b, from);
    let (a, b) = both("in_layers.2", "conv1");
    list.layer(&a, &b, &[to, from, 3, 3]);
    let (a, b) = both("emb_layers.1", "time");
    list.dense(&a, &b, [shape.time_width(), projected]);
    let (a, b) = both("out_layers.0", "norm2");
    list.norm(&a, &b, to);
    let (a, b) = both("out_layers.3", "conv2");
    list.layer(&a, &b, &[to, to, 3, 3]);
    if from != to {
        let (a, b) = both("skip_connection", "shortcut");
        list.layer(&a, &b, &[to, from, 1, 1]);
    }
}

fn attention_entries(theirs: &str, ours: &str, width: usize, list: &mut List) {
    list.norm(&format!("{theirs}.norm"), &format!("{ours}.norm"), width);
    list.layer(&format!("{theirs}.qkv"), &format!("{ours}.qkv"), &[3 * width, width, 1]);
    list.layer(&format!("{theirs}.proj_out"), &format!("{ours}.out"), &[width, width, 1]);
}

/// What names and shapes tell about the shared part.
///
/// Not to be seen: heads, the order of their channels, and the image size of a U-Net.
pub(super) fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let axis = |name: &str, axis: usize| -> Result<usize, CheckpointError> {
        let found = shapes.get(name).and_then(|shape| shape.get(axis)).copied();
        found.ok_or_else(|| CheckpointError::Absent { name: name.to_owned() })
    };
    let base = axis("time_embed.0.weight", 1)?;
    let mut s =
        Settings::default().with("model_channels", base).with("in_channels", axis("input_blocks.0.0.weight", 1)?).with(
            "use_scale_shift_norm",
            axis("middle_block.0.emb_layers.1.weight", 0)? == 2 * axis("middle_block.0.out_layers.3.weight", 0)?,
        );
    if let Some(levels) = Levels::of(shapes) {
        let firsts: Vec<usize> = (0..levels.count).map(|level| levels.first(level)).collect();
        let width = |number: usize| axis(&format!("input_blocks.{number}.0.in_layers.2.weight"), 0);
        let multipliers = firsts.iter().map(|n| Ok(width(*n)? as f64 / base.max(1) as f64));
        let multipliers: Vec<f64> = multipliers.collect::<Result<_, CheckpointError>>()?;
        let attends = |number: &usize| shapes.contains_key(&format!("input_blocks.{number}.1.qkv.weight"));
        let rates: Vec<usize> = (0..levels.count).filter(|l| attends(&firsts[*l])).map(|l| 1 << l).collect();
        s = s
            .with("channel_mult", multipliers)
            .with("num_res_blocks", levels.blocks)
            .with("attention_resolutions", rates)
            .with("resblock_updown", levels.by == Halving::Block)
            .with("conv_resample", levels.by != Halving::Mean);
    }
    Ok(s)
}

/// How many levels of how many blocks there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    pub(super) count: usize,
    blocks: usize,
    by: Halving,
}

/// How the resolution is halved.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Halving {
    Conv,
    Mean,
    Block,
}

impl Levels {
    /// Number of the first block of a level.
    fn first(&self, level: usize) -> usize {
        1 + level * (self.blocks + 1)
    }

    /// `None` where several numbers of levels would explain the names.
    pub(super) fn of(shapes: &Shapes) -> Option<Self> {
        let numbers =
            shapes.keys().filter_map(|name| name.strip_prefix("input_blocks.")?.split('.').next()?.parse().ok());
        let last: usize = numbers.max().filter(|last| (1..10_000).contains(last))?;
        let has = |number: usize, part: &str| shapes.contains_key(&format!("input_blocks.{number}.0.{part}.weight"));
        let convs: Vec<usize> = (1..=last).filter(|n| has(*n, "op")).collect();
        let gaps: Vec<usize> = (1..=last).filter(|n| !has(*n, "op") && !has(*n, "in_layers.0")).collect();
        let (by, halvings) = match (convs.is_empty(), gaps.is_empty()) {
            (false, _) => (Halving::Conv, convs),
            (true, false) => (Halving::Mean, gaps),
            (true, true) => return Levels::of_blocks(shapes, last),
        };
        let blocks = halvings[0] - 1;
        Some(Levels { count: halvings.len() + 1, blocks, by })
    }

    /// Residual blocks do both, so that only widths and attention tell where a level ends.
    fn of_blocks(shapes: &Shapes, last: usize) -> Option<Self> {
        let ups = (0..=last)
            .filter(|n| (1..3).any(|k| shapes.contains_key(&format!("output_blocks.{n}.{k}.in_layers.0.weight"))));
        let ups = ups.count();
        let candidates = (1..=last + 1).filter(|count| (last + 1).is_multiple_of(*count) && (last + 1) / count > 1);
        let candidates = candidates.map(|count| Levels { count, blocks: (last + 1) / count - 1, by: Halving::Block });
        let fitting: Vec<Levels> = match shapes.keys().any(|name| name.starts_with("output_blocks.")) {
            true => candidates.filter(|levels| levels.count == ups + 1).collect(),
            false => candidates.filter(|levels| levels.fits(shapes)).collect(),
        };
        match fitting[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether all blocks of each level have one width and either all or none attention, and changes of resolution keep the
    /// width and have none.
    fn fits(&self, shapes: &Shapes) -> bool {
        let width = |n: usize| shapes.get(&format!("input_blocks.{n}.0.in_layers.2.weight")).map(|shape| shape[0]);
        let attends = |n: usize| shapes.contains_key(&format!("input_blocks.{n}.1.qkv.weight"));
        (0..self.count).all(|level| {
            let first = self.first(level);
            let mut blocks = first..first + self.blocks;
            let alike = blocks.all(|n| width(n) == width(first) && attends(n) == attends(first));
            let halving = first + self.blocks;
            let halves = level + 1 == self.count || (width(halving) == width(first) && !attends(halving));
            alike && halves
        })
    }
}
