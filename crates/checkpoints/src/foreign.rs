//! What is no network that can be sampled here, by the name of what it is.

use std::path::Path;

use serde_json::Value;

use crate::file::Checkpoint;
use crate::file_names::{listed, without_number};
use crate::layouts::diffusers::UNET;
use crate::{CheckpointError, Layout, Settings, Shapes};

/// How files of other tools end, what they are, and what to do with them.
const ENDINGS: [(&str, &str, &str); 7] = [
    (
        "distcp",
        "part of a checkpoint of torch.distributed.checkpoint, in .distcp files",
        "make one file of its folder in Python with torch.distributed.checkpoint.format_utils.dcp_to_torch_save",
    ),
    (
        "msgpack",
        "Flax weights, a .msgpack file",
        "convert them in Python with from_pretrained(.., from_flax=True) and save_pretrained",
    ),
    ("h5", "an HDF5 file, as TensorFlow and Keras write it", EXPORT),
    ("onnx", "an ONNX graph", EXPORT),
    ("gguf", "a GGUF file", EXPORT),
    ("index", "part of a TensorFlow checkpoint", EXPORT),
    ("npz", "an archive of NumPy arrays", EXPORT),
];

const EXPORT: &str = "save the network's state_dict() in Python with torch.save or safetensors";

/// Refuses a file by its name: one of another tool, and one shard of several.
///
/// # Errors
///
/// [`CheckpointError::Foreign`], [`CheckpointError::NoIndex`].
pub(crate) fn check_file(path: &Path) -> Result<(), CheckpointError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if let Some((what, remedy)) = of_name(&name) {
        return Err(CheckpointError::Foreign { path: path.to_owned(), what: what.into(), remedy });
    }
    if path.is_file() && name.split('.').any(|part| without_number(part).is_some()) {
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        return Err(CheckpointError::NoIndex { path: folder, shard: name.into_owned() });
    }
    Ok(())
}

fn of_name(name: &str) -> Option<(&'static str, &'static str)> {
    let (_, ending) = name.rsplit_once('.')?;
    let ending = if name == ".metadata" { "distcp" } else { ending };
    ENDINGS.iter().find(|(known, _, _)| *known == ending).map(|(_, what, remedy)| (*what, *remedy))
}

/// What a folder without weights holds instead.
pub(crate) fn folder(path: &Path) -> CheckpointError {
    let names = listed(path);
    let inner = names.iter().filter(|name| path.join(name).is_dir());
    let inner: Vec<String> =
        inner.flat_map(|name| listed(&path.join(name)).into_iter().map(move |f| format!("{name}/{f}"))).collect();
    let foreign = names.iter().chain(&inner).find_map(|name| Some((name, of_name(name)?)));
    if let Some((name, (what, remedy))) = foreign {
        let what = format!("{what} ({name}), and no weights of PyTorch");
        return CheckpointError::Foreign { path: path.to_owned(), what, remedy };
    }
    CheckpointError::NoWeights { path: path.to_owned(), holds: some(&names) }
}

fn some(names: &[String]) -> String {
    match names.len() {
        0 => "nothing".into(),
        1..=8 => names.join(", "),
        _ => format!("{}, ..", names[..8].join(", ")),
    }
}

/// Refuses the configuration of another network of diffusers.
///
/// # Errors
///
/// [`CheckpointError::Setting`] names the class.
pub(crate) fn check_class(settings: &Settings) -> Result<(), CheckpointError> {
    match settings.value("_class_name") {
        None => Ok(()),
        Some(Value::String(class)) if class == UNET => Ok(()),
        Some(class) => Err(CheckpointError::Setting {
            key: "_class_name".into(),
            value: class.to_string(),
            expected: "of the networks of diffusers only UNet2DModel is read, which is conditional on nothing".into(),
        }),
    }
}

/// Refuses a network that attends to a text or another condition.
///
/// # Errors
///
/// [`CheckpointError::Foreign`].
pub(crate) fn check_unconditional(path: &Path, shapes: &Shapes) -> Result<(), CheckpointError> {
    match shapes.keys().find(|name| is_conditional(name)) {
        None => Ok(()),
        Some(name) => Err(CheckpointError::Foreign {
            path: path.to_owned(),
            what: format!("a network that is conditional on a text or another embedding (it has `{name}`)"),
            remedy: "only networks without a condition, or with classes, are sampled here",
        }),
    }
}

/// Whether a tensor is part of cross-attention.
pub(crate) fn is_conditional(name: &str) -> bool {
    name.split('.').any(|part| ["transformer_blocks", "attn2", "encoder_hid_proj", "add_embedding"].contains(&part))
}

/// Refuses a network that wants more than a noisy image, by the channels that its tensors show.
///
/// Images of guided-diffusion have three channels: its networks of six take a smaller image beside the noisy one.
///
/// # Errors
///
/// [`CheckpointError::Concatenated`].
pub(crate) fn check_channels(path: &Path, layout: Layout, seen: &Settings) -> Result<(), CheckpointError> {
    let out = if layout == Layout::Ermongroup { "out_ch" } else { "out_channels" };
    let (Some(takes), Some(gives)) = (seen.get::<usize>("in_channels")?, seen.get::<usize>(out)?) else {
        return Ok(());
    };
    let is_doubled = layout == Layout::GuidedDiffusion && takes == 6;
    let is_plain = !is_doubled && (gives == takes || Some(gives) == takes.checked_mul(2));
    if layout == Layout::GuidedClassifier || is_plain {
        return Ok(());
    }
    Err(CheckpointError::Concatenated { path: path.to_owned(), takes, gives })
}

/// Refuses weights of DiT's names that another process trained: those of SiT, which flow along a path.
///
/// # Errors
///
/// [`CheckpointError::Foreign`] names the setting beside the weights that says so.
pub(crate) fn check_process(path: &Path, layout: Layout, file: &Checkpoint) -> Result<(), CheckpointError> {
    let words = file.words();
    let said = OF_FLOW.iter().find_map(|key| Some((key, words.get(*key)?)));
    match said {
        Some((key, value)) if layout == Layout::Dit => Err(CheckpointError::Foreign {
            path: path.to_owned(),
            what: format!(
                "a checkpoint of SiT or a relative, whose settings have `{key}` = {value}: it has DiT's names, but was trained along another path than diffusion's"
            ),
            remedy: "only DiT's own process is sampled here",
        }),
        _ => Ok(()),
    }
}

/// Settings that DiT's code does not have, and SiT's has.
const OF_FLOW: [&str; 4] = ["path_type", "prediction", "sample_eps", "train_eps"];
