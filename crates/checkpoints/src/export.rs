//! Writing networks for the tools of others.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use undrift_networks::to_bytes;

use crate::file::write_torch_zip;
use crate::published::SIDECAR;
use crate::{CheckpointError, Layout, Network, NetworkConfig, Settings};

/// Writes a network so that the tool of a layout loads it, and says which files were written.
///
/// For diffusers `out` is a folder and gets `config.json` and `diffusion_pytorch_model.safetensors`, which
/// `UNet2DModel.from_pretrained` reads. For the others it is a file that `torch.load` reads, a plain
/// `state_dict`, and the configuration goes into a `.config.json` of the same name.
///
/// # Errors
///
/// [`CheckpointError::Inexpressible`] for a network that the layout cannot hold, [`CheckpointError::Write`].
pub fn export(network: &Network, layout: Layout, out: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let config = network.config();
    let settings = layout.settings(&config)?;
    let tensors = tensors(network, &config, layout)?;
    match layout {
        Layout::Diffusers => write_folder(out, &settings, &tensors),
        _ => write_file(out, &settings, &tensors),
    }
}

/// The network's parameters under the layout's names, in its order.
fn tensors(
    network: &Network,
    config: &NetworkConfig,
    layout: Layout,
) -> Result<Vec<(String, TensorData)>, CheckpointError> {
    let mut ours: HashMap<String, TensorData> = network.parameters().into_iter().collect();
    let mut take = |name: &str| ours.remove(name).expect("a layout names parameters of its own network");
    let entries = layout.entries(config)?;
    Ok(entries.iter().map(|entry| (entry.theirs.clone(), entry.to_theirs(take(&entry.ours)))).collect())
}

fn write_folder(
    out: &Path,
    settings: &Settings,
    tensors: &[(String, TensorData)],
) -> Result<Vec<PathBuf>, CheckpointError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| CheckpointError::Write { path, source }
    };
    fs::create_dir_all(out).map_err(failed(out))?;
    let weights = out.join("diffusion_pytorch_model.safetensors");
    // Readers of the Python world ask which framework's order of axes a file has.
    let bytes = to_bytes(tensors, &BTreeMap::from([("format".to_owned(), "pt".to_owned())]))?;
    fs::write(&weights, bytes).map_err(failed(&weights))?;
    let config = out.join("config.json");
    fs::write(&config, settings.to_json()).map_err(failed(&config))?;
    Ok(vec![config, weights])
}

fn write_file(
    out: &Path,
    settings: &Settings,
    tensors: &[(String, TensorData)],
) -> Result<Vec<PathBuf>, CheckpointError> {
    write_torch_zip(out, tensors)?;
    let config = out.with_extension(SIDECAR);
    let failed = |source| CheckpointError::Write { path: config.clone(), source };
    fs::write(&config, settings.to_json()).map_err(failed)?;
    Ok(vec![out.to_owned(), config])
}
