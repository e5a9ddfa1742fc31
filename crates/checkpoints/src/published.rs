//! A checkpoint with its configuration: opened, compared, loaded.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device};
use serde_json::Value;
use undrift_networks::{Mismatch, NetworkError, Reshaped};

use crate::file::{Checkpoint, FileFormat, first_non_finite};
use crate::{CheckpointError, Entry, Layout, Network, NetworkConfig, Settings, Shapes};

/// A published checkpoint that is understood: its file, the group of tensors in it, its layout and its
/// configuration. The weights are not read yet.
#[derive(Debug)]
pub struct Published {
    file: Checkpoint,
    path: PathBuf,
    sidecar: Option<PathBuf>,
    group: String,
    layout: Layout,
    settings: Settings,
    config: NetworkConfig,
}

/// What the user knows about a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Settings in the published code's words; they count more than the sidecar and what shapes tell.
    pub settings: Settings,
    /// The group of tensors to take, as [`Published::groups`] names it.
    pub group: Option<String>,
}

/// Which of a training run's weights a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightKind {
    /// A moving average of the weights.
    Ema,
    /// The weights of the last step.
    Raw,
    /// Neither the file nor its name says.
    Unsaid,
}

impl Published {
    /// Opens a file, or a folder as diffusers writes it, and finds out what it is.
    ///
    /// Of several groups of tensors it takes the moving average. The configuration is what the shapes tell,
    /// overlaid by the sidecar (`X.config.json` or `config.json` beside the weights `X.pt`), overlaid by `given`.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`]: a file that cannot be read, tensors of no known layout, a setting that cannot be
    /// seen and was not given, and [`CheckpointError::Mismatch`] with a table of missing, unexpected and
    /// differently shaped names.
    pub fn open(path: &Path, given: &Given) -> Result<Self, CheckpointError> {
        let (path, sidecar) = locate(path)?;
        let file = Checkpoint::open(&path)?;
        let group = choose_group(&file, &path, given.group.as_deref())?;
        let shapes = shapes(&file, &group);
        let layout = Layout::of(&shapes)
            .ok_or_else(|| CheckpointError::UnknownLayout { path: path.clone(), names: some_names(&shapes) })?;
        let modern = modernised(layout, &shapes);
        let beside = sidecar.as_deref().map(read_settings).transpose()?.unwrap_or_default();
        let settings = layout.infer(&modern)?.overlaid(&beside).overlaid(&given.settings);
        let config = layout.config(&settings)?;
        compare(&layout.entries(&config)?, &modern, &path)?;
        Ok(Published { file, path, sidecar, group, layout, settings, config })
    }

    /// The file that holds the tensors.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that the configuration was read from, if there is one.
    pub fn sidecar(&self) -> Option<&Path> {
        self.sidecar.as_deref()
    }

    /// How the file is written.
    pub fn format(&self) -> FileFormat {
        self.file.format()
    }

    /// The groups of tensors in the file; one without a name where there is only one.
    pub fn groups(&self) -> Vec<&str> {
        self.file.groups()
    }

    /// The group whose tensors these are.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Whether they are averaged weights.
    pub fn weights(&self) -> WeightKind {
        weight_kind(&self.file, &self.group, &self.path)
    }

    /// How the tensors are named.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The configuration in the published code's words.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The configuration.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// The element types of the tensors as they are stored, without repetition.
    pub fn dtypes(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.file.tensors(&self.group).iter().map(|t| format!("{:?}", t.dtype)).collect();
        all.into_iter().collect()
    }

    /// Text beside the tensors of a safetensors file.
    pub fn metadata(&self) -> &std::collections::BTreeMap<String, String> {
        self.file.metadata()
    }

    /// The network with its weights, in `precision` (f32 or f64) whatever the file's.
    ///
    /// Tensors are read one by one, so that no more is in memory than the network and one of them.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::File`] for data that cannot be read, [`CheckpointError::NotFinite`] for a weight
    /// that is no number.
    pub fn load(&self, device: &Device, precision: DType) -> Result<Network, CheckpointError> {
        let names = self.names_in_file();
        let entries = self.layout.entries(&self.config)?;
        let by_ours: HashMap<&str, &Entry> = entries.iter().map(|entry| (entry.ours.as_str(), entry)).collect();
        self.config.fill(device, |ours, shape| {
            let entry = by_ours[ours];
            let name = names.get(&entry.theirs).map_or(entry.theirs.as_str(), String::as_str);
            let data = self.file.read(&self.group, name)?;
            if let Some(index) = first_non_finite(&data) {
                return Err(CheckpointError::NotFinite { path: self.path.clone(), name: name.to_owned(), index });
            }
            Ok(entry.to_ours(data.convert_dtype(precision), shape))
        })
    }

    /// Today's name to the name in the file, where they differ.
    fn names_in_file(&self) -> HashMap<String, String> {
        let tensors = self.file.tensors(&self.group).iter();
        let renamed = tensors.filter_map(|tensor| Some((self.layout.modern_name(&tensor.name)?, tensor.name.clone())));
        renamed.collect()
    }
}

/// The file of the tensors and the sidecar beside it.
fn locate(path: &Path) -> Result<(PathBuf, Option<PathBuf>), CheckpointError> {
    if !path.is_dir() {
        let beside = [path.with_extension(SIDECAR), path.with_file_name(SIDECAR)];
        return Ok((path.to_owned(), beside.into_iter().find(|file| file.is_file())));
    }
    let folders = [path.to_owned(), path.join("unet")];
    let found = folders.iter().find_map(|folder| {
        let file = WEIGHTS.iter().map(|name| folder.join(name)).find(|file| file.is_file())?;
        let sidecar = folder.join(SIDECAR);
        Some((file, sidecar.is_file().then_some(sidecar)))
    });
    found.ok_or_else(|| CheckpointError::NoWeights { path: path.to_owned(), names: WEIGHTS.join(", ") })
}

/// What the configuration beside the weights is called, and how its name ends where it belongs to one file.
pub(crate) const SIDECAR: &str = "config.json";

/// What a folder's weights are called, best first.
const WEIGHTS: [&str; 3] =
    ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin", "diffusion_pytorch_model.pt"];

fn choose_group(file: &Checkpoint, path: &Path, wanted: Option<&str>) -> Result<String, CheckpointError> {
    let groups = file.groups();
    let known: Vec<&str> = groups.iter().copied().filter(|group| Layout::of(&shapes(file, group)).is_some()).collect();
    if let Some(wanted) = wanted {
        let found = groups.iter().find(|group| **group == wanted || matches_kind(file, group, path, wanted));
        return found.map(|group| (*group).to_owned()).ok_or_else(|| CheckpointError::UnknownGroup {
            path: path.to_owned(),
            group: wanted.to_owned(),
            groups: if groups.len() == 1 { "one unnamed group".to_owned() } else { groups.join(", ") },
        });
    }
    let averaged = known.iter().find(|group| weight_kind(file, group, path) == WeightKind::Ema);
    let chosen = averaged.or(known.first()).or(groups.first());
    Ok(chosen.copied().unwrap_or_default().to_owned())
}

fn matches_kind(file: &Checkpoint, group: &str, path: &Path, wanted: &str) -> bool {
    match weight_kind(file, group, path) {
        WeightKind::Ema => wanted == "ema",
        WeightKind::Raw => wanted == "raw",
        WeightKind::Unsaid => false,
    }
}

/// By the group's name, its place in a list of [model, optimiser, .., average], or the file's name.
fn weight_kind(file: &Checkpoint, group: &str, path: &Path) -> WeightKind {
    let groups = file.groups();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_number = !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && groups.len() > 1 {
        let last = groups.last() == Some(&group);
        return if last { WeightKind::Ema } else { WeightKind::Raw };
    }
    match group {
        name if name.contains("ema") || name.contains("averag") => WeightKind::Ema,
        "" if stem.starts_with("ema") => WeightKind::Ema,
        "" if is_step_of_model(&stem) => WeightKind::Raw,
        "" => WeightKind::Unsaid,
        _ if groups.len() > 1 => WeightKind::Raw,
        _ => WeightKind::Unsaid,
    }
}

/// `model500000`, as guided-diffusion calls the last weights of a step.
fn is_step_of_model(stem: &str) -> bool {
    let step = stem.strip_prefix("model").unwrap_or_default();
    !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit())
}

fn shapes(file: &Checkpoint, group: &str) -> Shapes {
    file.tensors(group).iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
}

fn modernised(layout: Layout, shapes: &Shapes) -> Shapes {
    let renamed = |name: &String| layout.modern_name(name).unwrap_or_else(|| name.clone());
    shapes.iter().map(|(name, shape)| (renamed(name), shape.clone())).collect()
}

fn some_names(shapes: &Shapes) -> String {
    let mut names: Vec<&str> = shapes.keys().take(4).map(String::as_str).collect();
    if shapes.len() > names.len() {
        names.push("..");
    }
    names.join(", ")
}

/// The settings of a JSON file.
///
/// # Errors
///
/// [`CheckpointError::Sidecar`] for a file that cannot be read or holds no object.
pub fn read_settings(path: &Path) -> Result<Settings, CheckpointError> {
    let failed = |why: String| CheckpointError::Sidecar { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    match serde_json::from_str(&text).map_err(|e| failed(e.to_string()))? {
        Value::Object(object) => Ok(Settings::new(object)),
        other => Err(failed(format!("it holds {other}, not an object of settings"))),
    }
}

fn compare(entries: &[Entry], found: &Shapes, path: &Path) -> Result<(), CheckpointError> {
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.theirs.as_str()).collect();
    let mut mismatch = Mismatch::default();
    for entry in entries {
        match found.get(&entry.theirs) {
            None => mismatch.missing.push(entry.theirs.clone()),
            Some(shape) if *shape != entry.shape => mismatch.reshaped.push(Reshaped {
                name: entry.theirs.clone(),
                expected: entry.shape.clone(),
                found: shape.clone(),
            }),
            Some(_) => {}
        }
    }
    mismatch.unexpected = found.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
    if mismatch.is_empty() {
        return Ok(());
    }
    Err(CheckpointError::Mismatch { path: path.to_owned(), source: NetworkError::Mismatch(mismatch) })
}
