//! Which file of a folder holds the weights, and which folder the network.

use std::path::{Path, PathBuf};

use crate::file_names::SIDECAR;
use crate::file_names::{FileName, listed};
use crate::weight_kind::words;
use crate::{CheckpointError, WeightKind, foreign};

/// Where weights are.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// The file, or the index of shards.
    pub(crate) weights: PathBuf,
    /// The configuration beside it.
    pub(crate) sidecar: Option<PathBuf>,
    /// What the names of its folder and of the file say about the weights.
    pub(crate) kind: WeightKind,
    /// What it is called among others, as `unet_ema`.
    pub(crate) name: String,
}

/// The places of weights under a path, the one to take first.
///
/// A file is one place. A folder has one for every variant of its weights (`fp16`, `non_ema`); a folder without
/// weights of its own has those of its folders of networks (`unet`, `unet_ema`). `wanted` is the name of a place,
/// or `ema` or `raw`; a word that no place is called by may be that of a group within a file.
///
/// # Errors
///
/// [`CheckpointError`] names what a folder holds instead of weights.
pub(crate) fn places(path: &Path, wanted: Option<&str>) -> Result<Vec<Location>, CheckpointError> {
    if !path.is_dir() {
        foreign::check_file(path)?;
        return Ok(vec![file(path)]);
    }
    let mut found = in_folder(path, "")?;
    if !found.first().is_some_and(Location::is_of_diffusers) {
        let folders = networks(path).into_iter().map(|folder| in_folder(&path.join(&folder), &folder));
        let inner: Vec<Location> = folders.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        found = if inner.is_empty() { found } else { inner };
    }
    if found.is_empty() {
        return Err(foreign::folder(path));
    }
    beside_averages(&mut found);
    found.sort_by_key(|place| !place.is(wanted));
    Ok(found)
}

impl Location {
    fn is_of_diffusers(&self) -> bool {
        self.weights.file_name().is_some_and(|name| name.to_string_lossy().starts_with("diffusion_pytorch_model"))
    }

    /// Whether this is the place that is asked for; where nothing is asked for, whether it is an average.
    pub(crate) fn is(&self, wanted: Option<&str>) -> bool {
        match wanted {
            None | Some("ema") => self.kind == WeightKind::Ema,
            Some("raw") => self.kind == WeightKind::Raw,
            Some(name) => self.name == name,
        }
    }
}

fn file(path: &Path) -> Location {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let folder = text(path.parent().and_then(Path::file_name));
    let of_folder = if is_network(&folder) { WeightKind::of_name(&folder) } else { WeightKind::Unsaid };
    let kind = WeightKind::of_file(&text(path.file_stem())).or(of_folder);
    let beside = [path.with_extension(SIDECAR), path.with_file_name(SIDECAR)];
    let sidecar = beside.into_iter().find(|file| file.is_file() && file != path);
    Location { weights: path.to_owned(), sidecar, kind, name: String::new() }
}

/// The folders of networks in a pipeline's, by their names.
fn networks(pipeline: &Path) -> Vec<String> {
    listed(pipeline).into_iter().filter(|name| is_network(name) && pipeline.join(name).is_dir()).collect()
}

fn is_network(folder: &str) -> bool {
    words(folder).iter().any(|word| word == "unet")
}

/// The weights of a folder, without a variant first, then by how exact they are.
fn in_folder(folder: &Path, label: &str) -> Result<Vec<Location>, CheckpointError> {
    let names = listed(folder);
    let mut published: Vec<(FileName, &String)> =
        names.iter().filter_map(|name| Some((FileName::of(name)?, name))).collect();
    published.sort();
    published.dedup_by(|later, first| later.0.variant == first.0.variant);
    if let Some((_, shard)) = published.first()
        && published.iter().all(|(name, _)| name.is_shard)
    {
        return Err(CheckpointError::NoIndex { path: folder.to_owned(), shard: (*shard).clone() });
    }
    published.retain(|(name, _)| !name.is_shard);
    let sidecar = Some(folder.join(SIDECAR)).filter(|file| file.is_file());
    let place = |(name, file): (FileName, &String)| Location {
        weights: folder.join(file),
        sidecar: sidecar.clone(),
        kind: WeightKind::of_name(&name.variant).or(WeightKind::of_name(label)),
        name: [label, &name.variant].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("."),
    };
    Ok(published.into_iter().map(place).collect())
}

/// Where there is an average, weights of which nothing is said are the raw ones; where there are raw ones called so,
/// the weights without a variant are the average.
fn beside_averages(places: &mut [Location]) {
    let any = |places: &[Location], kind| places.iter().any(|place| place.kind == kind);
    let other = match (any(places, WeightKind::Ema), any(places, WeightKind::Raw)) {
        (true, _) => WeightKind::Raw,
        (false, true) => WeightKind::Ema,
        (false, false) => return,
    };
    places.iter_mut().for_each(|place| place.kind = place.kind.or(other));
}
