//! The command line: one file per command.

mod export;
mod info;
mod inspect;
mod methods;
mod quoted;
mod report;
mod run;
mod sample;
mod show_recipe;
mod train_classifier;
mod tune;

use crate::methods::Methods;
use crate::terminal::note;
use clap::{Parser, Subcommand};
use miette::{IntoDiagnostic, Report, Result};
use std::process::ExitCode;
use undrift_kernels::Level;

/// Diffusion models and their exposure bias.
#[derive(Parser)]
#[command(name = "undrift", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train, sample and score every row of a recipe, and write a report
    Run(run::Args),
    /// Print a recipe with every setting resolved, or as it was written
    ShowRecipe(show_recipe::Args),
    /// List everything that has a name in recipes and on the command line, with its parameters
    Methods(methods::Args),
    /// Draw samples from a trained row of a run directory, or from a published network
    Sample(Box<sample::Args>),
    /// Say what a checkpoint holds: layout, configuration, parameters, precision, EMA or raw
    Inspect(inspect::Args),
    /// Write a network so that diffusers, guided-diffusion, DiT's or DDIM's code loads it
    Export(export::Args),
    /// Search the constants of epsilon scaling or time shift on a trained row, and print the curve
    Tune(tune::Args),
    /// Write the report of a run directory again
    Report(report::Args),
    /// Train the classifier of Fashion-MNIST whose features the quick scores use
    TrainClassifier(train_classifier::Args),
    /// Print the version, the devices, the vector instructions and the built-in recipes
    Info,
}

/// How a command ended when nothing went wrong.
pub(crate) enum Outcome {
    /// All is well.
    Done,
    /// It ran, and what it checked does not hold.
    Failed,
    /// The user stopped it.
    Interrupted,
}

impl Cli {
    /// Runs the command; 0 done, 1 a check failed, 2 bad input, 130 stopped by the user.
    pub fn run(self, methods: &Methods) -> ExitCode {
        match self.command.run(methods) {
            Ok(Outcome::Done) => ExitCode::SUCCESS,
            Ok(Outcome::Failed) => ExitCode::from(1),
            Ok(Outcome::Interrupted) => ExitCode::from(130),
            Err(error) => {
                note(message(&error));
                ExitCode::from(2)
            }
        }
    }
}

impl Command {
    fn run(self, methods: &Methods) -> Result<Outcome> {
        Level::chosen().into_diagnostic()?;
        match self {
            Command::Run(args) => run::run(methods, args),
            Command::ShowRecipe(args) => show_recipe::run(methods, args),
            Command::Methods(args) => methods::run(methods, args),
            Command::Sample(args) => sample::run(methods, &args),
            Command::Inspect(args) => inspect::run(methods, args),
            Command::Export(args) => export::run(methods, args),
            Command::Tune(args) => tune::run(methods, args),
            Command::Report(args) => report::run(methods, args),
            Command::TrainClassifier(args) => train_classifier::run(args),
            Command::Info => info::run(),
        }
    }
}

/// The error and its causes, one per line; a cause that is part of the text above it is not repeated.
pub(crate) fn message(error: &Report) -> String {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1).map(|cause| cause.to_string()) {
        if !text.contains(&cause) {
            text.push_str(&format!("\n  because: {cause}"));
        }
    }
    text
}
