//! The DDPM U-Net as diffusers' `UNet2DModel` keeps it: `config.json` and the names of its tensors.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use undrift_networks::{DdpmUnetConfig, Resampling, Sinusoids};

pub use super::diffusers_words::{CLASS, SCHEDULER_FILE, SCHEDULER_WORDS, VERSION, VERSION_KEY};
pub(crate) use super::diffusers_words::{INDEX, UNET};

use super::ddpm::{Level, Words, Writer, channels, counted, deepest, down, released_size, resolution, up};
use super::diffusers_words::{IGNORED, READ};
use crate::{Assumed, CheckpointError, Entry, Reading, Settings, Shapes};

/// The layers inside of blocks.
const WORDS: Words = Words {
    time: "time_emb_proj",
    shortcut: "conv_shortcut",
    attention: ["group_norm", "to_q", "to_k", "to_v", "to_out.0"],
    matrices: true,
};

/// Names of attention's layers before version 0.15, and what they are called now.
const RENAMED: [(&str, &str); 4] = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];

/// Kinds of blocks on the way down, without and with attention.
const DOWN: [&str; 2] = ["DownBlock2D", "AttnDownBlock2D"];

/// Kinds of blocks on the way up, without and with attention.
const UP: [&str; 2] = ["UpBlock2D", "AttnUpBlock2D"];

/// Whether these tensors are of this layout.
///
/// The networks of Stable Diffusion have the same names around transformer blocks, and are not.
pub fn recognises(shapes: &Shapes) -> bool {
    let has = |name: &str| shapes.contains_key(name);
    has("conv_in.weight")
        && has("time_embedding.linear_1.weight")
        && has("down_blocks.0.resnets.0.conv1.weight")
        && !shapes.keys().any(|name| name.contains(".transformer_blocks."))
}

/// The name that diffusers gives to a tensor now, if this is one that it had before version 0.15.
pub fn modern_name(name: &str) -> Option<String> {
    let (path, last) = name.rsplit_once('.')?;
    let (block, layer) = path.rsplit_once('.')?;
    let (_, modern) = RENAMED.iter().find(|(old, _)| *old == layer)?;
    block.contains("attentions.").then(|| format!("{block}.{modern}.{last}"))
}

/// What the shapes and names tell about the configuration, as settings of `config.json`.
///
/// They tell widths, blocks and where there is attention. They do not tell image size, heads, groups and epsilon
/// of norms, padding and order of sinusoids.
///
/// # Errors
///
/// [`NetworkError::Mismatch`](undrift_networks::NetworkError::Mismatch) where a convolution is missing.
pub fn infer(shapes: &Shapes) -> Result<Settings, CheckpointError> {
    let [base, in_channels] = channels(shapes, "conv_in.weight")?;
    let [out_channels, _] = channels(shapes, "conv_out.weight")?;
    let levels = counted(shapes, |level| format!("down_blocks.{level}.resnets.0.conv1.weight"));
    let width = |level| Ok(channels(shapes, &format!("down_blocks.{level}.resnets.0.conv1.weight"))?[0]);
    let widths: Vec<usize> = (0..levels).map(width).collect::<Result<_, CheckpointError>>()?;
    let attends = |path: String| shapes.contains_key(&format!("{path}.attentions.0.group_norm.weight"));
    let kinds = |names: [&str; 2], path: &str| -> Vec<String> {
        (0..levels).map(|level| kind(names, attends(format!("{path}.{level}")))).collect()
    };
    let mut settings = Settings::default()
        .with("in_channels", in_channels)
        .with("out_channels", out_channels)
        .with("block_out_channels", widths)
        .with("layers_per_block", counted(shapes, |block| format!("down_blocks.0.resnets.{block}.conv1.weight")))
        .with("down_block_types", kinds(DOWN, "down_blocks"))
        .with("up_block_types", kinds(UP, "up_blocks"))
        .with("add_attention", attends("mid_block".into()));
    if let Some([width, _]) = shapes.get("time_embedding.linear_1.weight").map(Vec::as_slice)
        && *width != 4 * base
    {
        settings = settings.with("time_embedding_dim", *width);
    }
    if let Some([classes, _]) = shapes.get("class_embedding.weight").map(Vec::as_slice) {
        settings = settings.with("num_class_embeds", *classes);
    }
    Ok(settings.all_seen())
}

/// The configuration that settings of `config.json` mean.
///
/// Where `_class_name` tells that they are a `config.json`, a key that is not there has the constructor's default.
/// Bare weights come without `norm_eps`, `freq_shift`, `flip_sin_to_cos`, `downsample_padding` and
/// `attention_head_dim`, which the constructor does not have as the released models have them: for the shapes of
/// google's DDPM models those are 1e-6, 1, false, 0 and one head, and the image size is theirs; for any other
/// shape they must be given. Groups are 32 everywhere.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for a key that is unknown, or a value that another network than DDPM's needs;
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
    let widths: Vec<usize> = settings.required("block_out_channels")?;
    let base = widths.first().copied().unwrap_or(0);
    let attending = attending_levels(settings, widths.len())?;
    let reading = Reading::new(settings);
    let mut unseen = Unseen { settings, released: released_size(&widths, &attending), reading };
    let groups = unseen.reading.or("norm_num_groups", 32, "every model of this layout has so many")?;
    refuse(settings, base, groups)?;
    let given = settings.value("norm_num_groups").is_some();
    if !given && groups > 0 && widths.iter().any(|width| !width.is_multiple_of(groups)) {
        return Err(CheckpointError::SettingMissing { key: "norm_num_groups".into() });
    }
    if groups > 0 && widths.iter().any(|width| !width.is_multiple_of(groups)) {
        let expected = format!("every width must be a multiple of norm_num_groups, which is {groups}");
        return Err(refused("block_out_channels", settings.value("block_out_channels"), &expected));
    }
    let image_size = unseen.image_size()?;
    let config = DdpmUnetConfig {
        in_channels: settings.or("in_channels", 3)?,
        out_channels: settings.or("out_channels", 3)?,
        image_size,
        base,
        widths,
        blocks: settings.or("layers_per_block", 2)?,
        attention: attending.into_iter().map(|level| resolution(image_size, level)).collect(),
        groups,
        dropout: unseen.reading.or("dropout", 0.0, "it is training's alone")?,
        sinusoids: Sinusoids {
            cosines_first: unseen.or("flip_sin_to_cos", true, false)?,
            shift: unseen.or("freq_shift", 0.0, 1.0)?,
        },
        norm_epsilon: unseen.or("norm_eps", 1e-5, 1e-6)?,
        resampling: unseen.resampling()?,
        head_channels: unseen.head_channels()?,
        middle_attention: settings.or("add_attention", true)?,
    };
    config.validate()?;
    Ok((config, unseen.reading.assumed()))
}

/// The settings of a configuration, those of a whole `config.json`.
pub fn settings(config: &DdpmUnetConfig) -> Settings {
    let kinds = |names: [&str; 2], levels: Vec<Level>| -> Vec<String> {
        levels.iter().map(|level| kind(names, level.attends)).collect()
    };
    let padding = usize::from(config.resampling == Resampling::CentredConvolution);
    Settings::default()
        .with(CLASS, UNET)
        .with("act_fn", "silu")
        .with("add_attention", config.middle_attention)
        .with("attention_head_dim", config.head_channels)
        .with("block_out_channels", config.widths.clone())
        .with("center_input_sample", false)
        .with("down_block_types", kinds(DOWN, down(config)))
        .with("downsample_padding", padding)
        .with("dropout", config.dropout)
        .with("flip_sin_to_cos", config.sinusoids.cosines_first)
        .with("freq_shift", whole(config.sinusoids.shift))
        .with("in_channels", config.in_channels)
        .with("layers_per_block", config.blocks)
        .with("mid_block_scale_factor", 1)
        .with("norm_eps", config.norm_epsilon)
        .with("norm_num_groups", config.groups)
        .with("out_channels", config.out_channels)
        .with("sample_size", config.image_size)
        .with("time_embedding_type", "positional")
        .with("up_block_types", kinds(UP, up(config)))
}

/// Whether this layout has words for a configuration.
///
/// # Errors
///
/// [`CheckpointError::Inexpressible`] for plain resampling, and for a first level that is not as wide as `base`.
pub fn expresses(config: &DdpmUnetConfig) -> Result<(), CheckpointError> {
    let what = if config.resampling == Resampling::Plain && config.widths.len() > 1 {
        "resampling without convolutions".into()
    } else if config.widths.first() != Some(&config.base) {
        format!("a first convolution of width {} before levels of {:?}", config.base, config.widths)
    } else {
        return Ok(());
    };
    Err(CheckpointError::Inexpressible { layout: "diffusers", what })
}

/// All tensors of the layout for a valid configuration, in the order of the `state_dict`.
pub fn entries(config: &DdpmUnetConfig) -> Vec<Entry> {
    let mut writer = Writer::new(WORDS, config);
    let (base, width) = (config.base, deepest(config));
    writer.conv("conv_in", "conv_in", [config.in_channels, base], 3);
    writer.dense("time_embedding.linear_1", "time.expand", [base, 4 * base]);
    writer.dense("time_embedding.linear_2", "time.mix", [4 * base; 2]);
    for (way, sampler, levels) in [("down", "downsamplers", down(config)), ("up", "upsamplers", up(config))] {
        for (index, level) in levels.iter().enumerate() {
            let (theirs, ours) = (format!("{way}_blocks.{index}"), format!("{way}.{index}"));
            write_level(&mut writer, &theirs, &ours, level);
            if let Some(width) = level.resample {
                let (theirs, ours) = (format!("{theirs}.{sampler}.0.conv"), format!("{ours}.resample"));
                writer.conv(&theirs, &ours, [width; 2], 3);
            }
        }
    }
    if config.middle_attention {
        writer.attention("mid_block.attentions.0", "middle.attention", width);
    }
    writer.block("mid_block.resnets.0", "middle.first", [width; 2]);
    writer.block("mid_block.resnets.1", "middle.last", [width; 2]);
    writer.norm("conv_norm_out", "norm_out", config.widths[0]);
    writer.conv("conv_out", "conv_out", [config.widths[0], config.out_channels], 3);
    writer.finish()
}

/// All attentions of a level stand before its blocks.
fn write_level(writer: &mut Writer, theirs: &str, ours: &str, level: &Level) {
    if level.attends {
        for (stage, [_, width]) in level.blocks.iter().enumerate() {
            let (theirs, ours) = (format!("{theirs}.attentions.{stage}"), format!("{ours}.stages.{stage}.attention"));
            writer.attention(&theirs, &ours, *width);
        }
    }
    for (stage, widths) in level.blocks.iter().enumerate() {
        writer.block(&format!("{theirs}.resnets.{stage}"), &format!("{ours}.stages.{stage}.block"), *widths);
    }
}

/// What cannot be seen from tensors.
struct Unseen<'a> {
    settings: &'a Settings,
    released: Option<usize>,
    reading: Reading<'a>,
}

const CONSTRUCTOR: &str = "the constructor's default, which a config.json leaves out";
const RELEASED: &str = "that of google's DDPM model of these widths, as nobody says otherwise";

impl Unseen<'_> {
    /// The value given, or the constructor's for a `config.json`, or the released models'.
    fn or<T: DeserializeOwned + Serialize>(
        &mut self,
        key: &'static str,
        constructor: T,
        released: T,
    ) -> Result<T, CheckpointError> {
        let reading = &mut self.reading;
        match self.settings.get(key)? {
            Some(value) => Ok(value),
            None if self.settings.value(CLASS).is_some() => Ok(reading.assume(key, constructor, CONSTRUCTOR)),
            None if self.released.is_some() => Ok(reading.assume(key, released, RELEASED)),
            None => Err(CheckpointError::SettingMissing { key: key.into() }),
        }
    }

    fn image_size(&mut self) -> Result<usize, CheckpointError> {
        const KEY: &str = "sample_size";
        match self.settings.value(KEY) {
            Some(Value::Array(sides)) => match sides.as_slice() {
                [height, width] if height == width => Settings::default().with(KEY, height.clone()).required(KEY),
                _ => Err(refused(KEY, self.settings.value(KEY), "only square images are supported")),
            },
            Some(_) => self.settings.required(KEY),
            None => {
                let size = self.released.ok_or_else(|| CheckpointError::SettingMissing { key: KEY.into() })?;
                Ok(self.reading.assume(KEY, size, RELEASED))
            }
        }
    }

    fn resampling(&mut self) -> Result<Resampling, CheckpointError> {
        const KEY: &str = "downsample_padding";
        match self.or(KEY, 1, 0)? {
            0 => Ok(Resampling::Convolution),
            1 => Ok(Resampling::CentredConvolution),
            _ => Err(refused(KEY, self.settings.value(KEY), "must be 0 or 1")),
        }
    }

    /// `null` is one head; it is what the constructor's default of 8 is not.
    fn head_channels(&mut self) -> Result<Option<usize>, CheckpointError> {
        const KEY: &str = "attention_head_dim";
        if self.settings.is_null(KEY) { Ok(None) } else { self.or(KEY, Some(8), None) }
    }
}

fn kind(names: [&str; 2], attends: bool) -> String {
    names[usize::from(attends)].into()
}

/// The levels with attention; the way up must mirror the way down.
fn attending_levels(settings: &Settings, levels: usize) -> Result<Vec<usize>, CheckpointError> {
    let down = block_attends(settings, "down_block_types", DOWN, levels)?;
    let mut up = block_attends(settings, "up_block_types", UP, levels)?;
    up.reverse();
    if up != down {
        let expected = "must have attention where down_block_types, read backwards, has it";
        return Err(refused("up_block_types", settings.value("up_block_types"), expected));
    }
    Ok((0..levels).filter(|level| down[*level]).collect())
}

fn block_attends(
    settings: &Settings,
    key: &str,
    [plain, attending]: [&str; 2],
    levels: usize,
) -> Result<Vec<bool>, CheckpointError> {
    let kinds: Vec<String> = settings.required(key)?;
    if kinds.len() != levels || kinds.iter().any(|kind| kind != plain && kind != attending) {
        let expected = format!("must be {levels} of {plain} and {attending}, one for each width");
        return Err(refused(key, settings.value(key), &expected));
    }
    Ok(kinds.iter().map(|kind| kind == attending).collect())
}

/// Refuses what is unknown, and what makes another network than DDPM's.
fn refuse(settings: &Settings, base: usize, groups: usize) -> Result<(), CheckpointError> {
    for (key, value) in settings.iter().filter(|(_, value)| !value.is_null()) {
        let only = match key {
            CLASS => vec![json!(UNET)],
            "act_fn" => vec![json!("silu"), json!("swish")],
            "attn_norm_num_groups" => vec![json!(groups)],
            "center_input_sample" => vec![json!(false)],
            "downsample_type" | "upsample_type" => vec![json!("conv")],
            "mid_block_scale_factor" => vec![json!(1), json!(1.0)],
            "mid_block_type" => vec![json!("UNetMidBlock2D")],
            "resnet_time_scale_shift" => vec![json!("default")],
            "time_embedding_dim" => vec![json!(4 * base)],
            "time_embedding_type" => vec![json!("positional")],
            "class_embed_type" | "num_class_embeds" => {
                return Err(refused(key, Some(value), "class embeddings are not supported"));
            }
            _ if key.starts_with('_') || READ.contains(&key) || IGNORED.contains(&key) => continue,
            _ if SCHEDULER_WORDS.contains(&key) => continue,
            _ => return Err(refused(key, Some(value), "no setting of UNet2DModel that is known here")),
        };
        if !only.contains(value) {
            let only: Vec<String> = only.iter().map(Value::to_string).collect();
            return Err(refused(key, Some(value), &format!("only {} is supported", only.join(" or "))));
        }
    }
    Ok(())
}

fn refused(key: &str, value: Option<&Value>, expected: &str) -> CheckpointError {
    let value = value.map_or_else(|| "not given".into(), Value::to_string);
    CheckpointError::Setting { key: key.into(), value, expected: expected.into() }
}

/// A number as diffusers writes it, without a fraction where it has none.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn released() -> Settings {
        settings(&DdpmUnetConfig::cifar10())
    }

    fn message(key: &str, value: Value) -> String {
        config(&released().with(key, value)).expect_err("must be refused").to_string()
    }

    #[test]
    fn what_makes_another_network_is_refused_by_name() {
        for (key, value) in [
            ("_class_name", json!("UNet2DConditionModel")),
            ("act_fn", json!("gelu")),
            ("attn_norm_num_groups", json!(8)),
            ("center_input_sample", json!(true)),
            ("class_embed_type", json!("timestep")),
            ("num_class_embeds", json!(10)),
            ("downsample_type", json!("resnet")),
            ("upsample_type", json!("resnet")),
            ("mid_block_scale_factor", json!(1.5)),
            ("mid_block_type", json!("UNetMidBlock2DCrossAttn")),
            ("resnet_time_scale_shift", json!("scale_shift")),
            ("time_embedding_dim", json!(128)),
            ("time_embedding_type", json!("fourier")),
            ("downsample_padding", json!(2)),
            ("sample_size", json!([32, 64])),
            ("block_out_channels", json!([128, 200, 256, 256])),
            ("down_block_types", json!(["DownBlock2D", "SkipDownBlock2D", "DownBlock2D", "DownBlock2D"])),
            ("up_block_types", json!(["AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"])),
            ("skip_time_act", json!(true)),
            ("freq_shift", json!("one")),
        ] {
            let text = message(key, value.clone());
            assert!(text.contains(&format!("`{key}`")) && text.contains(&value.to_string()), "{text}");
        }
        assert!(message("attention_head_dim", json!(96)).contains("does not divide width 256"));
    }

    #[test]
    fn what_changes_nothing_is_read() {
        let more = released()
            .with("_diffusers_version", "0.42.1")
            .with("act_fn", "swish")
            .with("num_train_timesteps", 1000)
            .with("decay", 0.9999)
            .with("mid_block_scale_factor", 1.0)
            .with("time_embedding_dim", 512)
            .with("sample_size", json!([32, 32]))
            .with("skip_time_act", Value::Null);
        assert_eq!(config(&more).unwrap(), DdpmUnetConfig::cifar10());
    }

    #[test]
    fn a_config_file_leaves_out_the_constructors_defaults() {
        let given = ["_class_name", "sample_size", "block_out_channels", "down_block_types", "up_block_types"];
        let given = released()
            .iter()
            .filter(|(key, _)| given.contains(key))
            .fold(Settings::default(), |settings, (key, value)| settings.with(key, value.clone()));
        let expected = DdpmUnetConfig {
            dropout: 0.0,
            sinusoids: Sinusoids::ADM,
            norm_epsilon: 1e-5,
            resampling: Resampling::CentredConvolution,
            head_channels: Some(8),
            ..DdpmUnetConfig::cifar10()
        };
        assert_eq!(config(&given).unwrap(), expected);
        let one_head = config(&given.with("attention_head_dim", Value::Null)).unwrap();
        assert_eq!(one_head.head_channels, None);
    }

    #[test]
    fn widths_are_any_that_the_groups_divide() {
        let odd = released().with("block_out_channels", json!([4, 6, 10, 6])).with("norm_num_groups", 2);
        let read = config(&odd).unwrap();
        assert_eq!((read.base, &read.widths[..]), (4, &[4, 6, 10, 6][..]));
        assert_eq!(settings(&read).value("block_out_channels"), odd.value("block_out_channels"));
        let refused = config(&odd.with("norm_num_groups", 4)).expect_err("must be refused").to_string();
        assert!(
            refused.contains("`block_out_channels`") && refused.contains("norm_num_groups, which is 4"),
            "{refused}"
        );
    }

    #[test]
    fn bare_weights_of_another_shape_need_every_setting_that_is_not_seen() {
        let config_of = DdpmUnetConfig::cifar10().with_multiples(64, &[1, 2, 2, 2]);
        let shapes = entries(&config_of).into_iter().map(|entry| (entry.theirs, entry.shape)).collect();
        let mut given = infer(&shapes).unwrap();
        for (key, value) in [
            ("sample_size", json!(32)),
            ("flip_sin_to_cos", json!(false)),
            ("freq_shift", json!(1)),
            ("norm_eps", json!(1e-6)),
            ("downsample_padding", json!(0)),
            ("attention_head_dim", Value::Null),
        ] {
            let missing = config(&given).expect_err("must be asked for").to_string();
            assert!(missing.contains(&format!("`{key}`")), "{missing}");
            given = given.with(key, value);
        }
        assert_eq!(config(&given).unwrap(), DdpmUnetConfig { dropout: 0.0, ..config_of });
    }

    #[test]
    fn what_is_googles_is_said() {
        let of = |config: &DdpmUnetConfig| -> Shapes {
            entries(config).into_iter().map(|entry| (entry.theirs, entry.shape)).collect()
        };
        let said = |settings: &Settings| -> Vec<String> {
            assumed(settings).unwrap().iter().map(|one| format!("{}={}", one.key, one.value)).collect()
        };
        let bare = infer(&of(&DdpmUnetConfig::cifar10())).unwrap();
        let all = [
            "norm_num_groups=32",
            "sample_size=32",
            "dropout=0.0",
            "flip_sin_to_cos=false",
            "freq_shift=1.0",
            "norm_eps=1e-6",
            "downsample_padding=0",
            "attention_head_dim=null",
        ];
        assert_eq!(said(&bare), all);
        assert!(assumed(&bare).unwrap()[1].why.contains("google"));
        let given = bare.clone().with("sample_size", 32).with("attention_head_dim", Value::Null);
        let left: Vec<&str> = all.into_iter().filter(|one| !one.contains("size") && !one.contains("head")).collect();
        assert_eq!(said(&given), left);
        let whole = assumed(&bare.with("_class_name", "UNet2DModel").with("sample_size", 32)).unwrap();
        assert!(
            whole
                .iter()
                .any(|one| one.key == "norm_eps" && one.value.parse() == Ok(1e-5) && one.why.contains("constructor"))
        );
        assert_eq!(assumed(&released()).unwrap(), []);
    }

    #[test]
    fn what_has_no_words_is_named() {
        let text = |config| expresses(&config).expect_err("must be refused").to_string();
        let plain = DdpmUnetConfig { resampling: Resampling::Plain, ..DdpmUnetConfig::cifar10() };
        assert!(text(plain).contains("without convolutions"));
        assert!(text(DdpmUnetConfig { widths: vec![256, 256], ..DdpmUnetConfig::cifar10() }).contains("[256, 256]"));
        expresses(&DdpmUnetConfig::lsun256()).unwrap();
    }

    #[test]
    fn only_attentions_layers_are_renamed() {
        let modern = modern_name("mid_block.attentions.0.proj_attn.bias");
        assert_eq!(modern.as_deref(), Some("mid_block.attentions.0.to_out.0.bias"));
        assert_eq!(modern_name("mid_block.resnets.0.value.weight"), None);
        assert_eq!(modern_name("conv_in.weight"), None);
    }

    #[test]
    fn stable_diffusions_networks_are_others() {
        let mut shapes: Shapes =
            entries(&DdpmUnetConfig::cifar10()).into_iter().map(|entry| (entry.theirs, entry.shape)).collect();
        assert!(recognises(&shapes));
        shapes.insert("down_blocks.0.attentions.0.transformer_blocks.0.norm1.weight".into(), vec![320]);
        assert!(!recognises(&shapes));
    }

    #[test]
    fn tensors_of_another_network_show_in_the_settings() {
        let mut shapes: Shapes =
            entries(&DdpmUnetConfig::cifar10()).into_iter().map(|entry| (entry.theirs, entry.shape)).collect();
        shapes.insert("class_embedding.weight".into(), vec![10, 512]);
        let refused = config(&infer(&shapes).unwrap()).expect_err("must be refused").to_string();
        assert!(refused.contains("`num_class_embeds` is 10"), "{refused}");
        shapes.remove("conv_out.weight");
        assert!(infer(&shapes).expect_err("must be refused").to_string().contains("conv_out.weight"));
    }
}
