//! The layouts of the DDPM U-Net, and the files that were recorded in them.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use burn::tensor::TensorData;
use serde_json::Value;
use undrift_checkpoints::layouts::{diffusers, ermongroup};
use undrift_checkpoints::{CheckpointError, Entry, Settings, Shapes};
use undrift_files::from_bytes;
use undrift_networks::DdpmUnetConfig;

pub(crate) type Tensors = HashMap<String, TensorData>;

/// The functions of a layout, and how its sidecars name their implementation.
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) recognises: fn(&Shapes) -> bool,
    pub(crate) infer: fn(&Shapes) -> Result<Settings, CheckpointError>,
    pub(crate) config: fn(&Settings) -> Result<DdpmUnetConfig, CheckpointError>,
    pub(crate) settings: fn(&DdpmUnetConfig) -> Settings,
    pub(crate) entries: fn(&DdpmUnetConfig) -> Vec<Entry>,
    pub(crate) expresses: fn(&DdpmUnetConfig) -> Result<(), CheckpointError>,
}

pub(crate) const DIFFUSERS: Layout = Layout {
    name: "diffusers",
    recognises: diffusers::recognises,
    infer: diffusers::infer,
    config: diffusers::config,
    settings: diffusers::settings,
    entries: diffusers::entries,
    expresses: diffusers::expresses,
};

pub(crate) const ERMONGROUP: Layout = Layout {
    name: "ermongroup",
    recognises: ermongroup::recognises,
    infer: ermongroup::infer,
    config: ermongroup::config,
    settings: ermongroup::settings,
    entries: ermongroup::entries,
    expresses: ermongroup::expresses,
};

pub(crate) const LAYOUTS: [&Layout; 2] = [&DIFFUSERS, &ERMONGROUP];

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/networks").join(name)
}

pub(crate) fn tensors(name: &str) -> Tensors {
    from_bytes(&fs::read(path(name)).unwrap()).unwrap().parameters.into_iter().collect()
}

pub(crate) fn sidecar(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path(name)).unwrap()).unwrap()
}

pub(crate) fn parameters(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.shape.iter().product::<usize>()).sum()
}

pub(crate) fn shapes_of(entries: &[Entry]) -> Shapes {
    entries.iter().map(|entry| (entry.theirs.clone(), entry.shape.clone())).collect()
}
