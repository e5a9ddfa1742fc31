//! `undrift tune`.

use super::Outcome;
use super::quoted::quoted;
use super::sample::Weights;
use crate::devices;
use crate::exposure::{Book, Tuned, Tuning, scalings, shifts, tune};
use crate::methods::{Method, Methods, SamplerSettings};
use crate::progress::Terminal;
use crate::recipe::Recipe;
use crate::run::{Data, RunDirectory, RunError, Setup, build, trained_network};
use crate::terminal::{note, print, say};
use clap::ValueEnum;
use miette::{IntoDiagnostic, Result, miette};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run directory of a trained recipe
    directory: PathBuf,
    /// What is searched
    #[arg(long, value_enum)]
    method: Tunable,
    /// Row whose network is sampled
    #[arg(long)]
    row: String,
    /// Seed that the row was trained with
    #[arg(long, default_value_t = 0)]
    trained_with: u64,
    /// Weights to sample
    #[arg(long, value_enum, default_value_t = Weights::Ema)]
    weights: Weights,
    /// Solver, as `ddim` or `ddim:eta=0.5`; `undrift methods` lists all
    #[arg(long, default_value = "ddim")]
    sampler: Method,
    /// Sampling steps
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// How those steps are chosen
    #[arg(long, default_value = "trailing")]
    spacing: Method,
    /// Scales b of epsilon scaling, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "0.995,1.0,1.005,1.01,1.015,1.02,1.03,1.04")]
    scales: Vec<f64>,
    /// Windows w of time shift in levels of the chain, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "4,10,20")]
    windows: Vec<usize>,
    /// Cutoffs t_c of time shift in levels of the chain, separated by commas [default: 20, 40 and 60 % of them]
    #[arg(long, value_delimiter = ',')]
    cutoffs: Vec<usize>,
    /// Number of samples [default: that of the recipe]
    #[arg(long)]
    count: Option<usize>,
    /// Seed of the samples; choose one that you do not report
    #[arg(long, default_value_t = 1000)]
    seed: u64,
    /// Device to compute on
    #[arg(long, default_value = devices::DEVICES[0])]
    device: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tunable {
    /// The constant b of epsilon scaling
    EpsilonScaling,
    /// Window and cutoff of time shift
    TimeShift,
}

impl Args {
    fn choices(&self, length: usize) -> Vec<Method> {
        match self.method {
            Tunable::EpsilonScaling => scalings(&self.scales),
            Tunable::TimeShift if self.cutoffs.is_empty() => {
                shifts(&self.windows, &[length / 5, 2 * length / 5, 3 * length / 5])
            }
            Tunable::TimeShift => shifts(&self.windows, &self.cutoffs),
        }
    }

    /// What draws samples with the best choice, as it can be pasted; none where nothing could be scored.
    fn command(&self, tuning: &Tuning) -> Option<String> {
        let (method, _) = tuning.best()?;
        Some(format!(
            "undrift sample {} --row {} --trained-with {} --weights {} --sampler {} --steps {} --spacing {} \
             --wrapper {} --wrapper clip",
            quoted(&self.directory.display().to_string()),
            quoted(&self.row),
            self.trained_with,
            self.weights.name(),
            quoted(&self.sampler.to_string()),
            self.steps,
            quoted(&self.spacing.to_string()),
            quoted(&method.to_string()),
        ))
    }
}

pub(crate) fn run(methods: &Methods, args: Args) -> Result<Outcome> {
    let (directory, recipe) = RunDirectory::held::<Recipe>(&args.directory).into_diagnostic()?;
    let mut recipe = recipe.with_rows(std::slice::from_ref(&args.row)).into_diagnostic()?;
    let row = &mut recipe.rows[0];
    row.settings.sampling.count = args.count.unwrap_or(row.settings.sampling.count);
    let least = row.settings.metrics.splits.max(2);
    if row.settings.sampling.count < least {
        return Err(miette!("--count must be at least {least}, for the recipe's scores"));
    }
    let device = devices::device(&args.device).into_diagnostic()?;
    let setup = Setup::new(methods, row, &device).into_diagnostic()?;
    let network = trained_network(&directory, &setup, args.trained_with, args.weights.into()).into_diagnostic()?;
    let base = SamplerSettings {
        solver: args.sampler.clone(),
        steps: Some(args.steps),
        spacing: args.spacing.clone(),
        ..SamplerSettings::ancestral()
    };
    let choices = args.choices(setup.chain.len());
    for choice in &choices {
        let wrappers = [choice.clone()].into_iter().chain(base.wrappers.clone()).collect();
        setup.sampler(&SamplerSettings { wrappers, ..base.clone() }).into_diagnostic()?;
    }
    let data = Data::load(&directory, &setup).into_diagnostic()?;
    crate::interrupt::install().into_diagnostic()?;
    let cell = directory.cell(&args.row, args.trained_with);
    let mut book = Book::open(&cell, cell.folder().join("tuning.json")).into_diagnostic()?;
    let (seed, weights, build) = (args.seed, args.weights.name(), build(&args.device));
    let tuned = Tuned { setup: &setup, network: &network, data: &data, seed, weights, build: &build, watch: &Terminal };
    let (tuning, end) = tune(&tuned, &mut book, &base, choices);
    if !tuning.tried.is_empty() {
        print(tuning.text(setup.distance))?;
    }
    match end {
        Err(RunError::Interrupted) => {
            note(RunError::Interrupted);
            return Ok(Outcome::Interrupted);
        }
        end => end.into_diagnostic()?,
    }
    if let Some(command) = args.command(&tuning) {
        say(format_args!("\nuse it with: {command}"))?;
    }
    Ok(Outcome::Done)
}
