//! Whether a network's images are latents, by what lies beside it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::file::Checkpoint;
use crate::file_names::SIDECAR;
use crate::layouts::diffusers::{CLASS, INDEX};
use crate::read_settings;

/// Names of a pipeline's decoder, as folders and as components of `model_index.json`.
const DECODERS: [&str; 5] = ["vae", "vqvae", "vqgan", "movq", "first_stage_model"];

/// What beside the weights of a folder makes images of latents.
pub(crate) fn beside(weights: &Path) -> Option<String> {
    pipelines(weights).iter().find_map(|pipeline| component(pipeline).or_else(|| folder(pipeline)))
}

/// What in the same file makes images of latents: latent-diffusion's code calls it `first_stage_model`.
pub(crate) fn within(file: &Checkpoint) -> Option<String> {
    let is_decoder = |name: &str| name.split('.').any(|part| part == "first_stage_model");
    let groups = file.groups();
    let mut names = groups.iter().flat_map(|group| file.tensors(group)).map(|tensor| tensor.name.as_str());
    names.find(|name| is_decoder(name)).map(|name| format!("the file has the decoder's tensor `{name}`"))
}

/// The folders that may be a pipeline's: that of the weights, and the one that it is a component of.
fn pipelines(weights: &Path) -> Vec<PathBuf> {
    let folder = weights.parent().map(Path::to_path_buf).unwrap_or_default();
    let folder = fs::canonicalize(&folder).unwrap_or(folder);
    let named = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let above = folder.parent().map(Path::to_path_buf);
    let is_component = |above: &PathBuf| named.contains("unet") || above.join(INDEX).is_file();
    let above = above.filter(is_component);
    [Some(folder), above].into_iter().flatten().collect()
}

/// A decoder that the list of components names: `"vqvae": ["diffusers", "VQModel"]`.
fn component(pipeline: &Path) -> Option<String> {
    let index = read_settings(&pipeline.join(INDEX)).ok()?;
    index.iter().find_map(|(key, value)| {
        let class = value.as_array().and_then(|pair| pair.get(1)).and_then(Value::as_str)?;
        (DECODERS.contains(&key) || is_decoder(class)).then(|| format!("{INDEX} has the component `{key}`, a {class}"))
    })
}

/// A folder beside the network that is called like a decoder or holds one.
fn folder(pipeline: &Path) -> Option<String> {
    let mut folders: Vec<PathBuf> = fs::read_dir(pipeline).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders.into_iter().filter(|folder| folder.is_dir()).find_map(|folder| {
        let name = folder.file_name()?.to_str()?.to_owned();
        let settings = read_settings(&folder.join(SIDECAR)).unwrap_or_default();
        let class = settings.value(CLASS).and_then(Value::as_str).unwrap_or_default();
        let is_one = DECODERS.contains(&name.as_str()) || is_decoder(class);
        is_one.then(|| format!("the folder `{name}` beside it holds a decoder"))
    })
}

/// Whether diffusers calls an autoencoder so.
fn is_decoder(class: &str) -> bool {
    class.contains("Autoencoder") || class.contains("VQModel") || class.contains("DecoderVAE")
}
