//! `undrift export`.

use super::Outcome;
use super::sample::Weights;
use crate::destination::{Destination, DestinationFolder};
use crate::devices;
use crate::methods::Methods;
use crate::published::{CheckpointArgs, Opened, Weights as Stored, process_of_row};
use crate::recipe::Recipe;
use crate::run::{RunDirectory, Setup, trained_network, write_atomically};
use crate::terminal::say;
use burn::tensor::{DType, Device, Tensor, TensorData};
use clap::ValueEnum;
use miette::{IntoDiagnostic, Result, miette};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use undrift_checkpoints::layouts::diffusers::SCHEDULER_WORDS;
use undrift_checkpoints::{ClosedForm, Layout, Network, Settings, export};
use undrift_files::to_bytes;
use undrift_networks::{AnyNetwork, DdpmUnetConfig, Trainable, apply_parameters};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_pipelines::{Choice, Guidance, Placing, Plan, Process, PublishedSolver, Sampling, StepVariance};
use undrift_schedules::Spacing;
use undrift_studies::memory;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is exported: a run directory (with --row), or any checkpoint that `inspect` understands
    #[arg(required_unless_present = "closed_form")]
    source: Option<PathBuf>,
    /// Instead, a network whose weights are given by a formula, to hold implementations against each other; its
    /// configuration comes from --config and --set, in the layout's words
    #[arg(long, conflicts_with_all = ["source", "row"])]
    closed_form: bool,
    /// How the tensors are named
    #[arg(long, value_enum)]
    layout: LayoutName,
    /// Where to: for diffusers a folder, else a file as `torch.load` reads it
    #[arg(long)]
    out: PathBuf,
    /// Write the network without its process, where the layout has no words for that: what its output means, and over
    /// which chain, must then be known by whoever samples it
    #[arg(long)]
    weights_only: bool,
    /// Row of a run directory
    #[arg(long)]
    row: Option<String>,
    /// Seed that the row was trained with
    #[arg(long, default_value_t = 0)]
    trained_with: u64,
    /// Weights of a run directory
    #[arg(long, value_enum, default_value_t = Weights::Ema)]
    weights: Weights,
    #[command(flatten)]
    given: CheckpointArgs,
    /// Also write what the network gives for two images of noise, to compare with another tool's: a safetensors file with
    /// x, time, labels (if any), output, and (with its process) what DDIM makes of x in `ddim_steps` steps
    #[arg(long, value_name = "FILE")]
    probe: Option<PathBuf>,
}

/// Layouts on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum LayoutName {
    /// A pipeline of `UNet2DModel`: model_index.json, unet and scheduler
    Diffusers,
    /// DDIM's code and pytorch_diffusion
    Ermongroup,
    /// guided-diffusion, improved-diffusion, DDPM-IP
    GuidedDiffusion,
    /// guided-diffusion's classifier of noised images
    GuidedClassifier,
    /// facebookresearch/DiT
    Dit,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Diffusers => Layout::Diffusers,
            LayoutName::Ermongroup => Layout::Ermongroup,
            LayoutName::GuidedDiffusion => Layout::GuidedDiffusion,
            LayoutName::GuidedClassifier => Layout::GuidedClassifier,
            LayoutName::Dit => Layout::Dit,
        }
    }
}

/// A network, what its output means, and the settings in which a published code has said so.
struct Exported {
    network: Network,
    process: Process,
    said: Settings,
}

pub(crate) fn run(methods: &Methods, args: Args) -> Result<Outcome> {
    let device = devices::host();
    let _places = places(&args)?;
    let Exported { network, process, said } = match &args.source {
        None => by_formula(&args, &device)?,
        Some(source) if source.join("recipe.toml").is_file() => {
            if !args.given.is_empty() {
                return Err(miette!(
                    "--config, --flags, --set and --group are for checkpoints; a run says itself what it holds"
                ));
            }
            of_run(methods, &args, source)?
        }
        Some(source) if args.row.is_some() => {
            return Err(miette!("--row is for a run directory, and {} is none", source.display()));
        }
        Some(source) => of_checkpoint(methods, &args, source, &device)?,
    };
    let layout = args.layout.into();
    let words = words(&args, layout, &network, &process, &said)?;
    for written in export(&network, layout, words.as_ref(), &args.out).into_diagnostic()? {
        say(written.display())?;
    }
    if let Some(file) = &args.probe {
        write_probe(&network, words.map(|_| &process), &device, file)?;
        say(file.display())?;
    }
    Ok(Outcome::Done)
}

/// The process in the layout's words; none where the network is written alone.
fn words(
    args: &Args,
    layout: Layout,
    network: &Network,
    process: &Process,
    said: &Settings,
) -> Result<Option<Settings>> {
    if !args.weights_only {
        let words = process.words(layout, &network.config(), said, &devices::host());
        return words.map(Some).map_err(|error| miette!("{error}; or write the network alone with --weights-only"));
    }
    if process.variance == StepVariance::Learned {
        return Err(miette!(
            "this network gives a log-variance, and every reader of the layouts takes twice the channels for a position between \
             beta_tilde and beta; its training state is what holds it"
        ));
    }
    Ok(None)
}

/// The places of all that is asked for, opened before anything is read or made.
fn places(args: &Args) -> Result<(Option<DestinationFolder>, Vec<Destination>)> {
    let folder = matches!(args.layout, LayoutName::Diffusers);
    let files = args.probe.iter().chain((!folder).then_some(&args.out));
    let files = files.map(|file| Destination::open(file)).collect::<Result<_, _>>()?;
    Ok((folder.then(|| DestinationFolder::open(&args.out)).transpose()?, files))
}

/// Refuses a network that this machine cannot hold.
fn check_size(parameters: usize) -> Result<()> {
    let (needed, total) = (memory::bytes(parameters, size_of::<f32>()), memory::total());
    if needed > total {
        let (needed, total) = (memory::said(needed), memory::said(total));
        return Err(miette!(
            "a network of {parameters} parameters needs {needed} of memory, and this machine has {total}; choose a smaller one"
        ));
    }
    Ok(())
}

fn by_formula(args: &Args, device: &Device) -> Result<Exported> {
    let layout = Layout::from(args.layout);
    let said = args.given.said(None).settings().into_diagnostic()?;
    let config = layout.config(&said).into_diagnostic()?;
    check_size(config.init(device, Key::new(0, Purpose::Initialisation)).into_diagnostic()?.parameter_count())?;
    let network = ClosedForm::default().network(layout, &config, device, DType::F32).into_diagnostic()?;
    let of_process = if layout == Layout::Diffusers { said.only(&SCHEDULER_WORDS) } else { said.clone() };
    let process = Process::of(layout, &of_process, &config).into_diagnostic()?;
    Ok(Exported { network, process, said })
}

fn of_checkpoint(methods: &Methods, args: &Args, source: &Path, device: &Device) -> Result<Exported> {
    let opened = Opened::new(methods, source, &args.given.said(None)).into_diagnostic()?;
    let network = opened.load(device, DType::F32).into_diagnostic()?;
    let said = match &opened.weights {
        Stored::Published(published) => published.settings().clone(),
        Stored::Trained { .. } => Settings::default(),
    };
    Ok(Exported { network, process: opened.process, said })
}

fn of_run(methods: &Methods, args: &Args, source: &Path) -> Result<Exported> {
    let (directory, recipe) = RunDirectory::existing::<Recipe>(source).into_diagnostic()?;
    let rows: Vec<&str> = recipe.rows.iter().map(|row| row.id.as_str()).collect();
    let Some(row) = &args.row else {
        return Err(miette!("{} holds several rows; choose one with --row: {}", source.display(), rows.join(", ")));
    };
    let recipe = recipe.with_rows(std::slice::from_ref(row)).into_diagnostic()?;
    let row = &recipe.rows[0];
    let setup = Setup::new(methods, row, &devices::host()).into_diagnostic()?;
    let trained = trained_network(&directory, &setup, args.trained_with, args.weights.into());
    let network = as_published(&setup, trained.into_diagnostic()?)?;
    let process = process_of_row(methods, &row.settings).into_diagnostic()?;
    Ok(Exported { network, process, said: Settings::default() })
}

/// A network of a row as the one of a published layout that it is.
fn as_published(setup: &Setup, network: AnyNetwork<4>) -> Result<Network> {
    let kind = &setup.settings.network.name;
    let shape = serde_json::from_value::<DdpmUnetConfig>(setup.network.to_json()).ok().filter(|_| kind == "ddpm-unet");
    let Some(shape) = shape else {
        return Err(miette!("a network of kind `{kind}` has no published layout that is written here"));
    };
    let unet = shape.init(&setup.device, Key::new(0, Purpose::Initialisation)).into_diagnostic()?;
    Ok(Network::Ddpm(apply_parameters(unet, network.collected()).into_diagnostic()?))
}

/// Times of the two images of a probe: nearly clean and nearly noise.
const TIMES: [f32; 2] = [7.0, 950.0];

fn write_probe(network: &Network, process: Option<&Process>, device: &Device, file: &Path) -> Result<()> {
    let config = network.config();
    let [channels, height, width] = config.image_shape();
    let like = Tensor::<4>::zeros([TIMES.len(), channels, height, width], (device, DType::F32));
    let x = SampleNoise::new(Key::new(0, Purpose::Evaluation), 0, TIMES.len()).normal(&like);
    let time = Tensor::from_data(TensorData::new(TIMES.to_vec(), [TIMES.len()]), device);
    let labels: Option<Vec<usize>> = config.classes().map(|classes| vec![0, classes - 1]);
    let output = match network {
        Network::Classifier(net) => net.forward(x.clone(), time).into_data(),
        net => net.forward(x.clone(), time, labels.as_deref()).into_data(),
    };
    let mut tensors = vec![
        ("x".to_owned(), x.clone().into_data()),
        ("time".to_owned(), TensorData::new(TIMES.to_vec(), [TIMES.len()])),
        ("output".to_owned(), output),
    ];
    if let (Some(process), false) = (process, matches!(network, Network::Classifier(_))) {
        tensors.extend(by_ddim(network, process, labels.clone().unwrap_or_default(), x)?);
    }
    if let Some(labels) = labels {
        let labels = labels.iter().map(|label| *label as f32).collect();
        tensors.push(("labels".to_owned(), TensorData::new(labels, [TIMES.len()])));
    }
    let bytes = to_bytes(&tensors, &BTreeMap::new()).into_diagnostic()?;
    write_atomically(file, &bytes).into_diagnostic()
}

/// What DDIM makes of two images of noise, and in how many steps: at most 10 that divide the chain.
fn by_ddim(
    network: &Network,
    process: &Process,
    classes: Vec<usize>,
    x: Tensor<4>,
) -> Result<[(String, TensorData); 2]> {
    let length = process.chain.length();
    let steps = (1..=10).rev().find(|steps| length.is_multiple_of(*steps)).unwrap_or(1);
    let choice = Choice {
        solver: Some(PublishedSolver::DDIM.into()),
        steps: Some(steps),
        placing: Some(Placing::Spaced(Spacing::Trailing)),
        wrappers: None,
    };
    let plan = Plan::new(process, &choice, &devices::host()).into_diagnostic()?;
    let sampling = Sampling::new(network, process, &plan, Guidance::None, classes, &x.device(), 0).into_diagnostic()?;
    let mut noise = SampleNoise::new(Key::new(0, Purpose::Sampling), 0, TIMES.len());
    let drawn = sampling.walk(x, 0, &mut noise, || ControlFlow::Continue(())).into_diagnostic()?;
    let drawn = drawn.expect("nobody asks to stop");
    Ok([("ddim".to_owned(), drawn.into_data()), ("ddim_steps".to_owned(), TensorData::new(vec![steps as f32], [1]))])
}
