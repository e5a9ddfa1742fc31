//! Writing networks for the tools of others.

mod folder;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use undrift_files::{to_bytes, write_atomically};

use crate::file::write_torch_zip;
use crate::published::SIDECAR;
use crate::{CheckpointError, Layout, Network, NetworkConfig, Settings};

/// Writes a network so that the tool of a layout loads it, and says which files were written.
///
/// For diffusers `out` is a folder and gets `unet/config.json` and `unet/diffusion_pytorch_model.safetensors`, which
/// `UNet2DModel.from_pretrained(.., subfolder="unet")` reads; with a scheduler also `scheduler/scheduler_config.json`
/// and, for the schedulers of DDPM and DDIM, the `model_index.json` by which `DiffusionPipeline.from_pretrained` opens
/// all of it. For the others it is a file that `torch.load` reads, a plain `state_dict`, and the configuration goes
/// into a `.config.json` of the same name.
///
/// `process`: the settings that say what the network's output means, in the published code's words; for diffusers those
/// of a scheduler. Without them the network is written alone.
///
/// # Errors
///
/// [`CheckpointError::Inexpressible`] for a network that the layout cannot hold, [`CheckpointError::Occupied`] where
/// files of another model would be read beside it, [`CheckpointError::Write`].
pub fn export(
    network: &Network,
    layout: Layout,
    process: Option<&Settings>,
    out: &Path,
) -> Result<Vec<PathBuf>, CheckpointError> {
    let config = network.config();
    let settings = layout.settings(&config)?;
    let tensors = tensors(network, &config, layout)?;
    if layout == Layout::Diffusers {
        // Readers of the Python world ask which framework's order of axes a file has.
        let weights = to_bytes(&tensors, &BTreeMap::from([("format".to_owned(), "pt".to_owned())]))?;
        return folder::write(out, &settings, process, weights);
    }
    let beside = if layout == Layout::Ermongroup { yml_beside(out) } else { Vec::new() };
    if !beside.is_empty() {
        return Err(CheckpointError::Occupied { path: out.to_owned(), files: beside });
    }
    let sidecar = process.map_or(settings.clone(), |process| settings.overlaid(process));
    write_file(out, &layout.as_sidecar(sidecar), &tensors)
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

fn write_file(
    out: &Path,
    settings: &Settings,
    tensors: &[(String, TensorData)],
) -> Result<Vec<PathBuf>, CheckpointError> {
    write_torch_zip(out, tensors)?;
    let config = out.with_extension(SIDECAR);
    let failed = |source| CheckpointError::Write { path: config.clone(), source };
    write_atomically(&config, settings.to_json().as_bytes()).map_err(failed)?;
    Ok(vec![out.to_owned(), config])
}

/// The files of DDIM's code beside a checkpoint, which would be read beside what is written.
fn yml_beside(out: &Path) -> Vec<String> {
    let own = ["yml", "yaml"].map(|ending| out.with_extension(ending));
    let shared = ["config.yml", "config.yaml"].map(|name| out.with_file_name(name));
    own.into_iter().chain(shared).filter(|path| path.is_file()).map(|path| path.display().to_string()).collect()
}
