//! `undrift inspect`.

use super::Outcome;
use crate::devices;
use crate::methods::Methods;
use crate::published::{CheckpointArgs, Opened, PublishedError, Weights};
use crate::recipe::WeightSet;
use crate::terminal::{PrintError, print, say};
use miette::{IntoDiagnostic, Result};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use undrift_checkpoints::file::FileFormat;
use undrift_checkpoints::{Assumed, NetworkConfig, Published, WeightKind};
use undrift_noise::{Key, Purpose};
use undrift_pipelines::{Process, Visits, X0Limit, Yml};
use undrift_training::TrainState;

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

pub(crate) fn run(methods: &Methods, args: Args) -> Result<Outcome> {
    let mut about = Facts::default();
    let opened = match Opened::new(methods, &args.checkpoint, &args.given.said(None)) {
        Err(PublishedError::NoNetwork { path }) => {
            about.add("file", path.display().to_string());
            state_facts(&TrainState::load(&path).into_diagnostic()?, &mut about);
            about.print(args.json)?;
            return Ok(Outcome::Done);
        }
        opened => opened.into_diagnostic()?,
    };
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
    match &opened.beside {
        Some(Yml::Read(path)) => about.add("settings from", path.display().to_string()),
        Some(Yml::PassedOver(path)) => {
            about.add("yml passed over", format!("{}, which has no part of DDIM's code", path.display()));
        }
        None => {}
    }
    network_facts(&opened.config, &mut about)?;
    if !matches!(opened.config, NetworkConfig::Classifier(_)) {
        process_facts(&opened.process, &mut about);
    }
    assumed_facts(opened.assumed.iter().chain(&opened.process.assumed), &mut about);
    about.print(args.json)?;
    Ok(Outcome::Done)
}

/// What is in a training state without the notes of a run, as users of the library save it.
fn state_facts(state: &TrainState, about: &mut Facts) {
    about.add("layout", "undrift, a training state without its network");
    about.add("steps trained", state.step());
    about.add("groups", json!(["ema", "raw"]));
    about.add("optimiser", "first and second moments of every parameter");
    let parameters = state.raw();
    about.add("parameters", parameters.iter().map(|(_, data)| data.num_elements()).sum::<usize>());
    about.add("stored as", parameters.first().map_or_else(String::new, |(_, data)| format!("{:?}", data.dtype())));
    let shapes = parameters.iter().map(|(name, data)| (name.clone(), json!(data.shape().to_vec())));
    about.add("shapes", shapes.collect::<Map<String, Value>>());
    about.add("notes", state.metadata().keys().cloned().collect::<Vec<String>>());
    about.add("network and process", "not said; whoever saved it knows");
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
        WeightKind::Raw if published.has_average() => "raw",
        WeightKind::Raw => "raw; there is no moving average here",
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
    if let Some(file) = published.passed_over() {
        about.add("passed over", format!("{}, which has no word of a network", file.display()));
    }
    if let Some(why) = published.latent() {
        about.add("images are latents", why);
    }
    let settings: Map<String, Value> =
        published.settings().iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    about.add("configuration", settings);
}

fn network_facts(config: &NetworkConfig, about: &mut Facts) -> Result<()> {
    let network = config.init(&devices::host(), Key::new(0, Purpose::Initialisation)).into_diagnostic()?;
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
    let limit = match process.limit {
        X0Limit::None => "as it is".to_owned(),
        X0Limit::Clip { range } => format!("clipped to [-{range}, {range}]"),
        X0Limit::Threshold { ratio, most } => format!("thresholded at its quantile {ratio}, at most {most}"),
    };
    about.add("x0 of samples", limit);
    if process.time_factor != 1.0 {
        about.add("time labels times", process.time_factor);
    }
    about.add("sampler", process.solver.to_string());
    let steps = match &process.visits {
        Visits::All => "all".to_owned(),
        Visits::Chosen(ts) => format!("{}, as the published code chooses them", ts.len()),
        Visits::Diffusers(scheduler) => format!("as {} of diffusers", scheduler.class()),
    };
    about.add("steps", steps);
    if let Visits::Diffusers(scheduler) = &process.visits
        && !scheduler.unread().is_empty()
    {
        about.add("not read by its class", json!(scheduler.unread()));
    }
}

/// What was taken because nobody said anything, each with its reason.
fn assumed_facts<'a>(assumed: impl Iterator<Item = &'a Assumed>, about: &mut Facts) {
    let fact = |one: &Assumed| (one.key.to_owned(), json!({"value": one.value, "why": one.why}));
    let all: Map<String, Value> = assumed.map(fact).collect();
    if !all.is_empty() {
        about.add("assumed", all);
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

    fn print(self, json: bool) -> Result<(), PrintError> {
        if json {
            let object = self.0.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            return say(format_args!("{:#}", Value::Object(object)));
        }
        print(self.text())
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
        Value::Object(parts) if parts.contains_key("why") => {
            format!("{} ({})", plain(&parts["value"]), plain(&parts["why"]))
        }
        other => other.to_string(),
    }
}
