//! `undrift sample`.

use super::Outcome;
use crate::methods::{Method, SamplerSettings, SpacingName};
use crate::recipe::WeightSet;
use crate::registry;
use crate::report::grid_png;
use crate::run::{RunDirectory, RunError, Setup, draw_all, trained_network, write_atomically};
use clap::ValueEnum;
use miette::{IntoDiagnostic, Result, miette};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run directory of a trained recipe
    directory: PathBuf,
    /// Row whose network is sampled
    #[arg(long)]
    row: String,
    /// Seed that the row was trained with
    #[arg(long, default_value_t = 0)]
    trained_with: u64,
    /// Weights to sample
    #[arg(long, value_enum, default_value_t = Weights::Ema)]
    weights: Weights,
    /// Number of samples
    #[arg(long, default_value_t = 64)]
    count: usize,
    /// Samples drawn at a time; no sample depends on it
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Seed of the samples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Solver, as `ddim` or `ddim:eta=0.5`; `undrift methods` lists all [default: that of the recipe]
    #[arg(long)]
    sampler: Option<Method>,
    /// Wrapper around the network, as `epsilon-scaling:b=1.01`; give it again for more, the one next to the network
    /// first; `none` for none [default: those of the recipe]
    #[arg(long = "wrapper")]
    wrappers: Vec<Method>,
    /// Sampling steps [default: those of the recipe]
    #[arg(long)]
    steps: Option<usize>,
    /// How those steps are chosen [default: that of the recipe]
    #[arg(long, value_enum)]
    spacing: Option<SpacingName>,
    /// Device to compute on
    #[arg(long, default_value = registry::DEVICES[0])]
    device: String,
    /// Picture to write
    #[arg(long, default_value = "samples.png")]
    out: PathBuf,
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
    /// The recipe's sampler with what the command line says otherwise.
    fn sampler(&self, recipe: &SamplerSettings) -> SamplerSettings {
        let wrappers = match self.wrappers.as_slice() {
            [] => recipe.wrappers.clone(),
            [none] if *none == Method::named("none") => Vec::new(),
            given => given.to_vec(),
        };
        SamplerSettings {
            solver: self.sampler.clone().unwrap_or_else(|| recipe.solver.clone()),
            steps: self.steps.or(recipe.steps),
            spacing: self.spacing.unwrap_or(recipe.spacing),
            wrappers,
        }
    }
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    if args.count == 0 || args.batch == 0 {
        return Err(miette!("--count and --batch must be at least 1"));
    }
    let (directory, recipe) = RunDirectory::existing(&args.directory).into_diagnostic()?;
    let mut recipe = recipe.with_rows(std::slice::from_ref(&args.row)).into_diagnostic()?;
    let row = &mut recipe.rows[0];
    (row.settings.sampling.count, row.settings.sampling.batch) = (args.count, args.batch);
    let device = registry::device(&args.device).into_diagnostic()?;
    let setup = Setup::new(row, &device).into_diagnostic()?;
    let network = trained_network(&directory, row, &setup, args.trained_with, args.weights.into()).into_diagnostic()?;
    let sampler = setup.sampler(&args.sampler(&row.settings.sampling.sampler)).into_diagnostic()?;
    crate::interrupt::install().into_diagnostic()?;
    let bytes = match draw_all(&setup, &network, args.seed, &sampler, "sample".to_owned()) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(miette!("the samples are not finite; is the network trained?")),
        Err(RunError::Interrupted) => {
            eprintln!("stopped; nothing was written");
            return Ok(Outcome::Interrupted);
        }
        Err(e) => return Err(e).into_diagnostic(),
    };
    let [channels, height, width] = setup.shape;
    let columns = (args.count as f64).sqrt().ceil() as usize;
    let picture = grid_png(&bytes, channels, height, width, columns, 2).into_diagnostic()?;
    write_atomically(&args.out, &picture).into_diagnostic()?;
    println!("{}", args.out.display());
    Ok(Outcome::Done)
}
