//! `undrift sample`.

mod checkpoint;
mod trained;

use super::Outcome;
use crate::devices;
use crate::methods::{Method, Methods, SamplerSettings};
use crate::published::{Output, SamplerChoice, is_picture};
use crate::recipe::WeightSet;
use checkpoint::CheckpointSampling;
use clap::ValueEnum;
use miette::{Result, miette};
use std::path::PathBuf;
use undrift_studies::memory;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run directory of a trained recipe; or give --checkpoint
    #[arg(conflicts_with = "checkpoint")]
    directory: Option<PathBuf>,
    /// Row whose network is sampled
    #[arg(long, conflicts_with = "checkpoint")]
    row: Option<String>,
    /// Seed that the row was trained with
    #[arg(long, default_value_t = 0)]
    trained_with: u64,
    /// Weights to sample, where there are several [default: ema]
    #[arg(long, value_enum)]
    weights: Option<Weights>,
    /// Number of samples
    #[arg(long, default_value_t = 64)]
    count: usize,
    /// Samples drawn at a time; no sample depends on it
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Seed of the samples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Solver, as `ddim` or `ddim:eta=0.5`; `undrift methods` lists all [default: that of the recipe,
    /// or of the published code]
    #[arg(long)]
    sampler: Option<Method>,
    /// Wrapper around the network, as `epsilon-scaling:b=1.01`; give it again for more, the one next to the network
    /// first; `none` for none [default: those of the recipe, or `clip` where the published code clips]
    #[arg(long = "wrapper")]
    wrappers: Vec<Method>,
    /// Sampling steps [default: those of the recipe, or of the published code]
    #[arg(long)]
    steps: Option<usize>,
    /// How those steps are chosen [default: that of the recipe, or of the published code]
    #[arg(long)]
    spacing: Option<Method>,
    /// Device to compute on
    #[arg(long, default_value = devices::DEVICES[0])]
    device: String,
    /// Where to: a picture of all (`.png`), arrays (`.npz`), or a folder of pictures
    #[arg(long, default_value = "samples.png")]
    out: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointSampling,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Weights {
    /// The moving average
    Ema,
    /// The last step's
    Raw,
}

impl Weights {
    /// Its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Weights::Ema => "ema",
            Weights::Raw => "raw",
        }
    }
}

impl From<Weights> for WeightSet {
    fn from(weights: Weights) -> Self {
        match weights {
            Weights::Ema => WeightSet::Ema,
            Weights::Raw => WeightSet::Raw,
        }
    }
}

impl Args {
    /// What the command line says about the sampler.
    fn choice(&self) -> SamplerChoice {
        let wrappers = match self.wrappers.as_slice() {
            [] => None,
            [none] if *none == Method::named("none") => Some(Vec::new()),
            given => Some(given.to_vec()),
        };
        SamplerChoice { solver: self.sampler.clone(), steps: self.steps, spacing: self.spacing.clone(), wrappers }
    }

    /// A sampler with what the command line says otherwise.
    fn sampler(&self, usual: &SamplerSettings) -> SamplerSettings {
        let choice = self.choice();
        SamplerSettings {
            solver: choice.solver.unwrap_or_else(|| usual.solver.clone()),
            steps: choice.steps.or(usual.steps),
            spacing: choice.spacing.unwrap_or_else(|| usual.spacing.clone()),
            wrappers: choice.wrappers.unwrap_or_else(|| usual.wrappers.clone()),
        }
    }
}

impl Args {
    /// Refuses more samples of a shape than memory can hold, before any of them is made.
    fn check_size(&self, shape: [usize; 3], output: &Output) -> Result<()> {
        let numbers: usize = shape.iter().product();
        // A picture of all samples is enlarged and compressed in memory; latents are numbers of four bytes.
        let copies = match output {
            Output::Grid(_) => 12,
            _ if is_picture(shape[0]) => 1,
            _ => size_of::<f32>(),
        };
        let total = memory::total();
        let refuse = |option: &str, value: usize, needed: u64, remedy: &str| {
            let (needed, total) = (memory::said(needed), memory::said(total));
            Err(miette!("{option} {value} needs {needed} of memory, and this machine has {total}; {remedy}"))
        };
        let all = memory::bytes(self.count, numbers.saturating_mul(copies));
        if all > total {
            return refuse("--count", self.count, all, "draw them in parts, with other seeds");
        }
        let at_once = memory::bytes(self.batch.min(self.count), numbers.saturating_mul(size_of::<f32>()));
        if at_once > total / AT_ONCE {
            return refuse(
                "--batch",
                self.batch,
                memory::bytes(at_once, AT_ONCE),
                "no sample depends on it, so halve it",
            );
        }
        Ok(())
    }
}

/// A network holds its input several times over while it runs.
const AT_ONCE: u64 = 4;

pub(crate) fn run(methods: &Methods, args: &Args) -> Result<Outcome> {
    if args.count == 0 || args.batch == 0 {
        return Err(miette!("--count and --batch must be at least 1"));
    }
    match &args.checkpoint.checkpoint {
        Some(path) => checkpoint::run(methods, args, path),
        None => trained::run(methods, args),
    }
}
