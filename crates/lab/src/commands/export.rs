//! `undrift export`.

use super::Outcome;
use super::sample::Weights;
use crate::destination::{Destination, DestinationFolder};
use crate::memory;
use crate::published::{CheckpointArgs, Opened, Process, SCHEDULER};
use crate::registry;
use crate::run::{RunDirectory, Setup, trained_network, write_atomically};
use crate::terminal::{note, say};
use burn::tensor::{DType, Device, Tensor, TensorData};
use clap::ValueEnum;
use miette::{IntoDiagnostic, Result, miette};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use undrift_checkpoints::{ClosedForm, Layout, Network, export};
use undrift_networks::to_bytes;
use undrift_noise::{Key, Noise, Purpose, SampleNoise};

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
    /// Also write what the network gives for two images of noise: a safetensors file with x, time, labels (if any) and
    /// output, to compare with another tool's
    #[arg(long, value_name = "FILE")]
    probe: Option<PathBuf>,
}

/// Layouts on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum LayoutName {
    /// `UNet2DModel`: config.json and diffusion_pytorch_model.safetensors
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

pub(crate) fn run(args: Args) -> Result<Outcome> {
    let device = registry::host();
    let _places = places(&args)?;
    let (network, process) = match &args.source {
        None => (by_formula(&args, &device)?, None),
        Some(source) if source.join("recipe.toml").is_file() => {
            if !args.given.is_empty() {
                return Err(miette!(
                    "--config, --set and --group are for checkpoints; a run says itself what it holds"
                ));
            }
            of_run(&args, source)?
        }
        Some(source) if args.row.is_some() => {
            return Err(miette!("--row is for a run directory, and {} is none", source.display()));
        }
        Some(source) => {
            let opened = Opened::new(source, &args.given).into_diagnostic()?;
            (opened.load(&device).into_diagnostic()?, Some(opened.process))
        }
    };
    for written in export(&network, args.layout.into(), &args.out).into_diagnostic()? {
        say(written.display())?;
    }
    if let (LayoutName::Diffusers, Some(process)) = (args.layout, process) {
        write_scheduler(&process, &args.out)?;
    }
    if let Some(file) = &args.probe {
        write_probe(&network, &device, file)?;
        say(file.display())?;
    }
    Ok(Outcome::Done)
}

/// The places of all that is asked for, opened before anything is read or made.
fn places(args: &Args) -> Result<(Option<DestinationFolder>, Vec<Destination>)> {
    let folder = matches!(args.layout, LayoutName::Diffusers);
    let files = args.probe.iter().chain((!folder).then_some(&args.out));
    let files = files.map(|file| Destination::open(file)).collect::<Result<_, _>>()?;
    Ok((folder.then(|| DestinationFolder::open(&args.out)).transpose()?, files))
}

fn by_formula(args: &Args, device: &Device) -> Result<Network> {
    let layout = Layout::from(args.layout);
    let config = layout.config(&args.given.settings().into_diagnostic()?).into_diagnostic()?;
    let parameters = config.init(device, Key::new(0, Purpose::Initialisation)).into_diagnostic()?.parameter_count();
    let (needed, total) = (memory::bytes(parameters, size_of::<f32>()), memory::total());
    if needed > total {
        let (needed, total) = (memory::said(needed), memory::said(total));
        return Err(miette!(
            "a network of {parameters} parameters needs {needed} of memory, and this machine has {total}; choose a smaller one"
        ));
    }
    ClosedForm::default().network(layout, &config, device, DType::F32).into_diagnostic()
}

fn of_run(args: &Args, source: &Path) -> Result<(Network, Option<Process>)> {
    let (directory, recipe) = RunDirectory::existing(source).into_diagnostic()?;
    let rows: Vec<&str> = recipe.rows.iter().map(|row| row.id.as_str()).collect();
    let Some(row) = &args.row else {
        return Err(miette!("{} holds several rows; choose one with --row: {}", source.display(), rows.join(", ")));
    };
    let recipe = recipe.with_rows(std::slice::from_ref(row)).into_diagnostic()?;
    let row = &recipe.rows[0];
    let setup = Setup::new(row, &registry::host()).into_diagnostic()?;
    let trained = trained_network(&directory, row, &setup, args.trained_with, args.weights.into());
    Ok((Network::Ddpm(trained.into_diagnostic()?), Some(Process::of_row(&row.settings))))
}

/// The forward process, for diffusers' scheduler and for sampling the folder again.
fn write_scheduler(process: &Process, folder: &Path) -> Result<()> {
    let Some(config) = process.scheduler_config() else {
        note(format_args!(
            "diffusers' scheduler has no words for this chain, prediction or variance; {SCHEDULER} is not written"
        ));
        return Ok(());
    };
    let file = folder.join(SCHEDULER);
    write_atomically(&file, config.to_json().as_bytes()).into_diagnostic()?;
    say(file.display())?;
    Ok(())
}

/// Times of the two images of a probe: nearly clean and nearly noise.
const TIMES: [f32; 2] = [7.0, 950.0];

fn write_probe(network: &Network, device: &Device, file: &Path) -> Result<()> {
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
        ("x".to_owned(), x.into_data()),
        ("time".to_owned(), TensorData::new(TIMES.to_vec(), [TIMES.len()])),
        ("output".to_owned(), output),
    ];
    if let Some(labels) = labels {
        let labels = labels.iter().map(|label| *label as f32).collect();
        tensors.push(("labels".to_owned(), TensorData::new(labels, [TIMES.len()])));
    }
    let bytes = to_bytes(&tensors, &BTreeMap::new()).into_diagnostic()?;
    write_atomically(file, &bytes).into_diagnostic()
}
