//! Which network a sidecar is about, and with which weights.

use std::path::PathBuf;

use burn::tensor::{DType, Device};
use serde_json::{Map, Value};
use undrift_checkpoints::{ClosedForm, Given, Layout, Network, NetworkConfig, Published, Settings};

use crate::case::Arithmetic;
use crate::error::FixtureError;
use crate::fixture::Fixture;

/// A network that a published code was run with.
pub(super) struct Peer {
    pub(super) layout: Layout,
    pub(super) config: NetworkConfig,
    weights: Weights,
}

/// The first values of a tensor that a rule gives, beside those recorded.
pub(super) struct Example {
    pub(super) name: String,
    pub(super) ours: Vec<f64>,
    pub(super) recorded: Vec<f64>,
}

/// Where the weights are.
enum Weights {
    File(PathBuf),
    ClosedForm(ClosedForm),
}

impl Peer {
    pub(super) fn read(fixture: &Fixture) -> Result<Self, FixtureError> {
        let layout = layout(fixture.peer())
            .ok_or_else(|| FixtureError::NotCovered(format!("a network of `{}`", fixture.peer())))?;
        let config = layout.config(&settings(fixture)?).map_err(FixtureError::refused)?;
        let text = fixture.root().text("weights")?;
        let file = text.split_whitespace().find(|word| word.ends_with(".safetensors"));
        let weights = match file {
            Some(file) => Weights::File(fixture.file(file)),
            None => Weights::ClosedForm(closed_form(fixture)),
        };
        Ok(Peer { layout, config, weights })
    }

    /// What is said about a file of this network: every setting, so that nothing is left to what tensors show.
    pub(super) fn given(&self) -> Result<Given, FixtureError> {
        let settings = self.layout.settings(&self.config).map_err(FixtureError::refused)?;
        Ok(Given { settings, ..Given::default() })
    }

    /// The values that a rule gives for the first of its examples, beside those recorded.
    pub(super) fn examples(&self, fixture: &Fixture) -> Result<Vec<Example>, FixtureError> {
        let Weights::ClosedForm(rule) = &self.weights else { return Ok(Vec::new()) };
        let entries = self.layout.entries(&self.config).map_err(FixtureError::refused)?;
        let recorded = fixture.root().find("example_values_first3");
        let recorded = recorded.iter().flat_map(|examples| examples.fields()).filter(|(name, _)| *name != TABLE);
        let beside = recorded.map(|(name, values)| {
            let entry = entries.iter().find(|entry| entry.theirs == name);
            let entry = entry.ok_or_else(|| FixtureError::NoTensor { name: name.to_owned() })?;
            let values = values.as_numbers()?;
            let ours = rule.tensor(name, &entry.shape).iter::<f64>().take(values.len()).collect();
            Ok(Example { name: name.to_owned(), ours, recorded: values })
        });
        beside.collect()
    }

    /// The network with its weights.
    pub(super) fn network(&self, device: &Device, run: Arithmetic) -> Result<Network, FixtureError> {
        let network = match &self.weights {
            Weights::File(path) => {
                let given = self.given()?;
                Published::open(path, &given).and_then(|published| published.load(device, dtype(run)))
            }
            Weights::ClosedForm(rule) => rule.network(self.layout, &self.config, device, dtype(run)),
        };
        network.map_err(FixtureError::refused)
    }
}

/// The layout that a published code uses.
pub(super) fn layout(peer: &str) -> Option<Layout> {
    let has = |part: &str| peer.contains(part);
    if has("EncoderUNetModel") {
        Some(Layout::GuidedClassifier)
    } else if has("diffusers") {
        Some(Layout::Diffusers)
    } else if has("ermongroup") || has("pesser") {
        Some(Layout::Ermongroup)
    } else if has("DiT") {
        Some(Layout::Dit)
    } else if has("guided-diffusion") || has("ADM-ES") || has("improved-diffusion") || has("DDPM-IP") {
        Some(Layout::GuidedDiffusion)
    } else {
        None
    }
}

/// The configuration: an object, or `MODEL key=value ..`.
pub(super) fn settings(fixture: &Fixture) -> Result<Settings, FixtureError> {
    match fixture.value("config")? {
        Value::Object(object) => Ok(Settings::new(object.clone())),
        Value::String(text) => Ok(named(text)),
        _ => Err(FixtureError::WrongField { field: "config".to_owned(), expected: "an object or a model's name" }),
    }
}

fn named(text: &str) -> Settings {
    let mut words = text.split_whitespace();
    let mut object = Map::new();
    object.insert("model".to_owned(), words.next().unwrap_or_default().into());
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        object.insert(key.to_owned(), value);
    }
    Settings::new(object)
}

/// The rule of the weights.
fn closed_form(fixture: &Fixture) -> ClosedForm {
    ClosedForm { prefix: fixture.root().text_or_empty("name_prefix").to_owned() }
}

/// The one tensor that no rule gives: a transformer's table of positions.
pub(super) const TABLE: &str = "pos_embed";

fn dtype(run: Arithmetic) -> DType {
    match run {
        Arithmetic::F32 => DType::F32,
        Arithmetic::F64 => DType::F64,
    }
}
