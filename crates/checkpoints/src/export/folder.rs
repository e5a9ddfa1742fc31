//! A folder as the pipelines of diffusers have it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use undrift_files::write_atomically;

use crate::{CheckpointError, Settings};

/// Weights of the network, below the folder.
const WEIGHTS: &str = "unet/diffusion_pytorch_model.safetensors";

/// Configuration of the network.
const NETWORK: &str = "unet/config.json";

/// Settings of the scheduler.
const SCHEDULER: &str = "scheduler/scheduler_config.json";

/// Which pipeline it is, and of what.
const INDEX: &str = "model_index.json";

/// Endings of files that make a folder another model's.
const READ: [&str; 9] = ["json", "yml", "yaml", "safetensors", "bin", "pt", "pth", "ckpt", "msgpack"];

/// Writes the folder, and says which files were written.
///
/// # Errors
///
/// [`CheckpointError::Occupied`] where another model's files are, [`CheckpointError::Write`].
pub(super) fn write(
    out: &Path,
    network: &Settings,
    scheduler: Option<&Settings>,
    weights: Vec<u8>,
) -> Result<Vec<PathBuf>, CheckpointError> {
    let mut files = vec![(NETWORK, network.to_json().into_bytes()), (WEIGHTS, weights)];
    files.extend(scheduler.map(|scheduler| (SCHEDULER, scheduler.to_json().into_bytes())));
    files.extend(scheduler.and_then(index).map(|index| (INDEX, index.to_json().into_bytes())));
    let files: Vec<(PathBuf, Vec<u8>)> = files.into_iter().map(|(name, bytes)| (out.join(name), bytes)).collect();
    let written: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    let others = others(out, &written).map_err(failed(out))?;
    if !others.is_empty() {
        return Err(CheckpointError::Occupied { path: out.to_owned(), files: others });
    }
    for (path, bytes) in files {
        let folder = path.parent().unwrap_or(out);
        fs::create_dir_all(folder).map_err(failed(folder))?;
        write_atomically(&path, &bytes).map_err(failed(&path))?;
    }
    Ok(written)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    |source| CheckpointError::Write { path, source }
}

/// The pipeline that draws with a scheduler; none for the classes whose steps no pipeline of `UNet2DModel` takes.
fn index(scheduler: &Settings) -> Option<Settings> {
    let class = scheduler.value("_class_name")?.as_str()?;
    let pipeline = match class {
        "DDPMScheduler" | "DDPMParallelScheduler" => "DDPMPipeline",
        "DDIMScheduler" | "DDIMParallelScheduler" => "DDIMPipeline",
        _ => return None,
    };
    Some(
        Settings::default()
            .with("_class_name", pipeline)
            .with("_diffusers_version", "0.42.1")
            .with("scheduler", vec!["diffusers", class])
            .with("unet", vec!["diffusers", "UNet2DModel"]),
    )
}

/// Files in a folder and the folders in it that a reader of models looks at, and that are not written now.
fn others(out: &Path, written: &[PathBuf]) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in entries(out)? {
        let inside = if entry.is_dir() { entries(&entry)? } else { vec![entry] };
        found.extend(inside.into_iter().filter(|path| is_read(path) && !written.contains(path)));
    }
    let mut names: Vec<String> =
        found.iter().map(|path| path.strip_prefix(out).unwrap_or(path).display().to_string()).collect();
    names.sort();
    Ok(names)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn is_read(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| READ.contains(&ending)) && !path.is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduler(class: &str) -> Settings {
        Settings::default().with("_class_name", class)
    }

    fn written(out: &Path, scheduler: Option<&Settings>) -> Result<Vec<String>, CheckpointError> {
        let files = write(out, &Settings::default(), scheduler, vec![1])?;
        Ok(files.iter().map(|path| path.strip_prefix(out).unwrap().display().to_string()).collect())
    }

    #[test]
    fn a_pipeline_is_written_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let of = |class: &str| written(&folder.path().join(class), Some(&scheduler(class))).unwrap();
        assert_eq!(of("DDPMScheduler"), [NETWORK, WEIGHTS, SCHEDULER, INDEX]);
        assert_eq!(of("PNDMScheduler"), [NETWORK, WEIGHTS, SCHEDULER]);
        assert_eq!(written(&folder.path().join("bare"), None).unwrap(), [NETWORK, WEIGHTS]);
        let index = index(&scheduler("DDIMScheduler")).unwrap();
        assert_eq!(index.get::<String>("_class_name").unwrap().as_deref(), Some("DDIMPipeline"));
        assert_eq!(index.get::<[String; 2]>("scheduler").unwrap().unwrap(), ["diffusers", "DDIMScheduler"]);
    }

    #[test]
    fn what_another_model_left_is_named_and_nothing_is_written() {
        for left in ["scheduler_config.json", "config.json", "unet/model.fp16.safetensors", "vae/config.json", "a.ckpt"]
        {
            let folder = tempfile::tempdir().unwrap();
            let stale = folder.path().join(left);
            fs::create_dir_all(stale.parent().unwrap()).unwrap();
            fs::write(&stale, "{}").unwrap();
            let refused = written(folder.path(), Some(&scheduler("DDPMScheduler"))).unwrap_err().to_string();
            assert!(refused.contains(left) && refused.contains("remove"), "{refused}");
            assert!(!folder.path().join(WEIGHTS).exists());
        }
    }

    #[test]
    fn the_same_files_are_replaced_and_foreign_ones_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("README.md"), "mine").unwrap();
        for _ in 0..2 {
            written(folder.path(), Some(&scheduler("DDPMScheduler"))).unwrap();
        }
        let refused = written(folder.path(), None).unwrap_err().to_string();
        assert!(refused.contains(SCHEDULER) && refused.contains(INDEX), "a scheduler is not left: {refused}");
    }
}
