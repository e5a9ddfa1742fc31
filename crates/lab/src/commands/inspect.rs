//! `undrift inspect`.

use super::Outcome;
use crate::published::{CheckpointArgs, Opened, Process, Weights};
use crate::recipe::WeightSet;
use crate::registry;
use crate::terminal::{print, say};
use miette::{IntoDiagnostic, Result};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use undrift_checkpoints::file::FileFormat;
use undrift_checkpoints::{NetworkConfig, Published, WeightKind};
use undrift_noise::{Key, Purpose};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Checkpoint: a `.safetensors`, `.pt`, `.pth`, `.ckpt` or `.bin` file, or a folder as diffusers writes it
    checkpoint: PathBuf,
    #[command(flatten)]
    given: CheckpointArgs,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    let opened = Opened::new(&args.checkpoint, &args.given).into_diagnostic()?;
    let mut about = Facts::default();
    match &opened.weights {
        Weights::Published(published) => published_facts(published, &mut about),
        Weights::Trained { path, set, settings } => {
            about.add("file", path.display().to_string());
            about.add("layout", "undrift, a training state");
            about.add("weights", weight_set(*set));
            about.add("groups", json!(["ema", "raw"]));
            about.add("settings of its row", settings.lines().collect::<Vec<_>>());
        }
    }
    network_facts(&opened.config, &mut about)?;
    process_facts(&opened.process, &mut about);
    if args.json {
        let object = about.0.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        say(format_args!("{:#}", Value::Object(object)))?;
    } else {
        print(about.text())?;
    }
    Ok(Outcome::Done)
}

fn published_facts(published: &Published, about: &mut Facts) {
    about.add("file", published.path().display().to_string());
    let format = match published.format() {
        FileFormat::Safetensors => "safetensors",
        FileFormat::TorchZip => "PyTorch (zip)",
        FileFormat::TorchLegacy => "PyTorch (before 1.6)",
    };
    about.add("format", format);
    about.add("layout", published.layout().name());
    let weights = match published.weights() {
        WeightKind::Ema => "moving average (EMA)",
        WeightKind::Raw => "raw",
        WeightKind::Unsaid => "neither the file nor its name says",
    };
    about.add("weights", weights);
    about.add("stored as", published.dtypes().join(", "));
    if published.groups().len() > 1 {
        about.add("groups", json!(published.groups()));
        about.add("group", published.group());
    }
    if let Some(sidecar) = published.sidecar() {
        about.add("configuration from", sidecar.display().to_string());
    }
    let settings: Map<String, Value> =
        published.settings().iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    about.add("configuration", settings);
}

fn network_facts(config: &NetworkConfig, about: &mut Facts) -> Result<()> {
    let network = config.init(&registry::host(), Key::new(0, Purpose::Initialisation)).into_diagnostic()?;
    about.add("network", config.kind());
    about.add("parameters", network.parameter_count());
    let [channels, height, width] = config.image_shape();
    about.add("input", format!("{channels}x{height}x{width}"));
    let outputs = if matches!(config, NetworkConfig::Classifier(_)) { "classes" } else { "output channels" };
    about.add(outputs, config.outputs());
    if let Some(classes) = config.classes() {
        about.add("conditional on classes", classes);
    }
    Ok(())
}

fn process_facts(process: &Process, about: &mut Facts) {
    let name = |value: Value| value.as_str().unwrap_or_default().to_owned();
    about.add("chain", json!(process.chain));
    about.add("predicts", name(json!(process.prediction)));
    about.add("variance", name(json!(process.variance)));
    about.add("samples clip x0", process.clip);
    if process.time_factor != 1.0 {
        about.add("time labels times", process.time_factor);
    }
}

fn weight_set(set: WeightSet) -> &'static str {
    match set {
        WeightSet::Ema => "moving average (EMA)",
        WeightSet::Raw => "raw",
    }
}

/// What is known, in the order in which it is said.
#[derive(Default)]
struct Facts(Vec<(&'static str, Value)>);

impl Facts {
    fn add(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.push((key, value.into()));
    }

    /// `key: value` line by line; the parts of an object, and long lists, indented below their key.
    fn text(&self) -> String {
        let line = |(key, value): &(&str, Value)| match value {
            Value::Object(parts) => {
                let parts: String = parts.iter().map(|(key, value)| format!("  {key}: {}\n", plain(value))).collect();
                format!("{key}\n{parts}")
            }
            Value::Array(lines) if lines.len() > LONG => {
                format!("{key}\n{}", lines.iter().map(|line| format!("  {}\n", plain(line))).collect::<String>())
            }
            _ => format!("{key}: {}\n", plain(value)),
        };
        self.0.iter().map(line).collect()
    }
}

/// A list with more entries than this gets a line for each.
const LONG: usize = 8;

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
