//! `undrift sample`.

use super::Outcome;
use crate::recipe::WeightSet;
use crate::registry;
use crate::report::grid_png;
use crate::run::{RunDirectory, RunError, Setup, draw, trained_network, write_atomically};
use clap::ValueEnum;
use miette::{IntoDiagnostic, Result, miette};
use std::path::PathBuf;
use undrift_schedules::Spacing;

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
    /// Sampling steps [default: all of the chain's]
    #[arg(long)]
    steps: Option<usize>,
    /// How those steps are chosen
    #[arg(long, value_enum, default_value_t = Spaced::Trailing)]
    spacing: Spaced,
    /// Device to compute on
    #[arg(long, default_value = registry::DEVICES[0])]
    device: String,
    /// Picture to write
    #[arg(long, default_value = "samples.png")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Weights {
    /// The moving average
    Ema,
    /// The last step's
    Raw,
}

#[derive(Clone, Copy, ValueEnum)]
enum Spaced {
    Uniform,
    Quadratic,
    Leading,
    Trailing,
    Linspace,
}

impl From<Spaced> for Spacing {
    fn from(spaced: Spaced) -> Self {
        match spaced {
            Spaced::Uniform => Spacing::Uniform,
            Spaced::Quadratic => Spacing::Quadratic,
            Spaced::Leading => Spacing::Leading,
            Spaced::Trailing => Spacing::Trailing,
            Spaced::Linspace => Spacing::Linspace,
        }
    }
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    if args.count == 0 || args.batch == 0 {
        return Err(miette!("--count and --batch must be at least 1"));
    }
    let (directory, recipe) = RunDirectory::existing(&args.directory).into_diagnostic()?;
    let recipe = recipe.with_rows(std::slice::from_ref(&args.row)).into_diagnostic()?;
    let row = &recipe.rows[0];
    let device = registry::device(&args.device).into_diagnostic()?;
    let setup = Setup::new(row, &device).into_diagnostic()?;
    let weights = match args.weights {
        Weights::Ema => WeightSet::Ema,
        Weights::Raw => WeightSet::Raw,
    };
    let network = trained_network(&directory, row, &setup, args.trained_with, weights).into_diagnostic()?;
    let grid = match args.steps {
        None => setup.chain.grid(),
        Some(steps) => setup.chain.respace(args.spacing.into(), steps).into_diagnostic()?,
    };
    crate::interrupt::install().into_diagnostic()?;
    let mut bytes = Vec::new();
    let mut progress = crate::progress::Progress::start("sample", 0, args.count as u64);
    for first in (0..args.count).step_by(args.batch) {
        let size = args.batch.min(args.count - first);
        match draw(&setup, &network, args.seed, first as u64, size, &grid) {
            Ok(Some(part)) => bytes.extend(part),
            Ok(None) => return Err(miette!("samples from number {first} on are not finite; is the network trained?")),
            Err(RunError::Interrupted) => return Ok(Outcome::Interrupted),
            Err(e) => return Err(e).into_diagnostic(),
        }
        progress.at((first + size) as u64, String::new);
    }
    progress.finish(String::new);
    let [channels, height, width] = setup.shape;
    let columns = (args.count as f64).sqrt().ceil() as usize;
    let picture = grid_png(&bytes, channels, height, width, columns, 2).into_diagnostic()?;
    write_atomically(&args.out, &picture).into_diagnostic()?;
    println!("{}", args.out.display());
    Ok(Outcome::Done)
}
