//! A checkpoint with its configuration: opened, compared, loaded.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use burn::tensor::{DType, Device};
use undrift_networks::{Mismatch, NetworkError, Reshaped};

use crate::candidates::{Candidate, candidates, shapes};
use crate::file::{Checkpoint, Fault, FileError, FileFormat, first_non_finite};
use crate::location::{Location, places};
use crate::sidecar::Sidecar;
use crate::{CheckpointError, Entry, Layout, Network, NetworkConfig, Settings, Shapes, WeightKind};
use crate::{choice, foreign, latent, unnamed};

/// A published checkpoint that is understood: its file, the network in it, its layout and its configuration. The
/// weights are not read yet.
#[derive(Debug)]
pub struct Published {
    file: Checkpoint,
    place: Location,
    group: String,
    groups: Vec<String>,
    has_average: bool,
    network: Candidate,
    sidecar: Sidecar,
    latent: Option<String>,
    settings: Settings,
    config: NetworkConfig,
}

/// What the user knows about a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Settings in the published code's words; they count more than the sidecar and what shapes tell.
    pub settings: Settings,
    /// The weights to take, as [`Published::groups`] names them, or `ema` or `raw`.
    pub group: Option<String>,
    /// Whether the settings are the whole configuration, so that the one beside the weights is not read.
    pub replaces_sidecar: bool,
}

impl Published {
    /// Opens a file, or a folder as diffusers writes it, and finds out what it is.
    ///
    /// Of several networks of a known layout it takes the moving average. The configuration is what the shapes tell,
    /// overlaid by the sidecar (`X.config.json` or `config.json` beside the weights `X.pt`), overlaid by `given`.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`]: a file that cannot be read, tensors of no known layout, a network that wants more than a
    /// noisy image, a setting that cannot be seen and was not given, and [`CheckpointError::Mismatch`] with a table of
    /// missing, unexpected and differently shaped names.
    pub fn open(path: &Path, given: &Given) -> Result<Self, CheckpointError> {
        let wanted = given.group.as_deref();
        let places = places(path, wanted)?;
        let place = places[0].clone();
        let beside = place.sidecar.as_deref().filter(|_| !given.replaces_sidecar);
        let sidecar = Sidecar::read(beside)?;
        let said = sidecar.settings.clone().overlaid(&given.settings);
        foreign::check_class(&said)?;
        let file = Checkpoint::open(&place.weights)?;
        let networks = networks(&file, &place, &said)?;
        let is_placed = wanted.is_some_and(|wanted| place.name == wanted || places.len() > 1 && place.is(Some(wanted)));
        let network = choice::of(&networks, wanted.filter(|_| !is_placed), &places)?.clone();
        let kinds = places.iter().map(|place| place.kind).chain(networks.iter().map(|network| network.kind));
        let has_average = kinds.into_iter().any(|kind| kind == WeightKind::Ema);
        let groups = choice::names(&networks, &places);
        let group = if networks.len() == 1 && !place.name.is_empty() { &place.name } else { &network.name }.clone();
        let (settings, config) = configuration(&file, &place, &network, &said).map_err(|e| sidecar.explain(e))?;
        let latent = latent::beside(&place.weights).or_else(|| latent::within(&file));
        Ok(Published { file, place, group, groups, has_average, network, sidecar, latent, settings, config })
    }

    /// The file that holds the tensors, or the index of several.
    pub fn path(&self) -> &Path {
        &self.place.weights
    }

    /// The file that the configuration was read from, if there is one.
    pub fn sidecar(&self) -> Option<&Path> {
        self.sidecar.path.as_deref()
    }

    /// A `config.json` beside the weights that has no word of any network, and was passed over.
    pub fn passed_over(&self) -> Option<&Path> {
        self.sidecar.passed_over.as_ref().map(|(path, _)| path.as_path())
    }

    /// Why its images are latents, where a decoder beside it says so.
    pub fn latent(&self) -> Option<&str> {
        self.latent.as_deref()
    }

    /// How the file is written.
    pub fn format(&self) -> FileFormat {
        self.file.format()
    }

    /// The weights that can be taken; one without a name where there is only one.
    pub fn groups(&self) -> Vec<&str> {
        self.groups.iter().map(String::as_str).collect()
    }

    /// The weights that were taken.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Whether they are averaged weights.
    pub fn weights(&self) -> WeightKind {
        self.network.kind
    }

    /// Whether there is a moving average among the weights that can be taken.
    pub fn has_average(&self) -> bool {
        self.has_average
    }

    /// How the tensors are named.
    pub fn layout(&self) -> Layout {
        self.network.layout
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
        let dtypes = self.network.tensors.iter().filter_map(|tensor| tensor.dtype);
        let all: BTreeSet<String> = dtypes.map(|dtype| format!("{dtype:?}")).collect();
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
        let entries = self.layout().entries(&self.config)?;
        let by_ours: HashMap<&str, &Entry> = entries.iter().map(|entry| (entry.ours.as_str(), entry)).collect();
        let modern = |name: &str| self.layout().modern_name(name).unwrap_or_else(|| name.to_owned());
        let by_theirs: HashMap<String, _> = self.network.tensors.iter().map(|t| (modern(&t.name), t)).collect();
        self.config.fill(device, |ours, shape| {
            let entry = by_ours[ours];
            let tensor = by_theirs[&entry.theirs];
            let data = self.file.read(&tensor.group, &tensor.stored)?;
            if let Some(index) = first_non_finite(&data) {
                let (path, name) = (self.path().to_owned(), tensor.stored.clone());
                return Err(CheckpointError::NotFinite { path, name, index });
            }
            Ok(entry.to_ours(data.convert_dtype(precision), shape))
        })
    }
}

/// The networks of a file; a single one may be what its folder or its name says.
fn networks(file: &Checkpoint, place: &Location, said: &Settings) -> Result<Vec<Candidate>, CheckpointError> {
    let mut found = candidates(file);
    if found.is_empty() {
        found = unnamed::of_settings(file, &place.weights, said)?;
    }
    match found.as_mut_slice() {
        [] => return Err(choice::unknown(file, &place.weights)),
        [only] => only.kind = only.kind.or(place.kind),
        _ => {}
    }
    Ok(found)
}

/// The settings and the configuration of a network, whose tensors are those of the configuration.
fn configuration(
    file: &Checkpoint,
    place: &Location,
    network: &Candidate,
    said: &Settings,
) -> Result<(Settings, NetworkConfig), CheckpointError> {
    let (path, layout) = (place.weights.as_path(), network.layout);
    check_read(file, path, network)?;
    let modern = modernised(layout, &shapes(&network.tensors));
    foreign::check_unconditional(path, &modern)?;
    foreign::check_process(path, layout, file)?;
    let seen = layout.infer(&modern)?;
    foreign::check_channels(path, layout, &seen)?;
    let settings = seen.overlaid(said);
    let config = layout.config(&settings)?;
    compare(&layout.entries(&config)?, &modern, path)?;
    Ok((settings, config))
}

/// Refuses a network with a tensor that cannot be read.
fn check_read(file: &Checkpoint, path: &Path, network: &Candidate) -> Result<(), CheckpointError> {
    let Some(tensor) = network.tensors.iter().find(|tensor| tensor.dtype.is_none()) else { return Ok(()) };
    let why = file.unread(&tensor.group).iter().find(|unread| unread.name == tensor.stored).map(|unread| unread.why);
    let fault = Fault::ElementType { tensor: tensor.stored.clone(), dtype: why.unwrap_or_default().to_owned() };
    Err(FileError { path: path.to_owned(), fault }.into())
}

fn modernised(layout: Layout, shapes: &Shapes) -> Shapes {
    let renamed = |name: &String| layout.modern_name(name).unwrap_or_else(|| name.clone());
    shapes.iter().map(|(name, shape)| (renamed(name), shape.clone())).collect()
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
