//! Repository chores, and the commands that README names.
//!
//! This crate decides how the project is run and checked; it never links Burn, so that `cargo xtask` starts quickly.

mod bench_vs_torch;
mod conformance;
mod failure;
mod lab;
mod miri;
mod mutants;
mod program;
mod test;
mod tidy;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// Repository chores, and the commands that README names.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Train, sample, score and report the six rows of Table 2 of DDPM
    ReproduceTable2(lab::ReproduceTable2),
    /// Train with and without input perturbation, sample with and without epsilon scaling and time shift, and report
    ReproduceExposureBias(lab::ReproduceExposureBias),
    /// Run golden vectors of published implementations against this code
    Conformance(conformance::Conformance),
    /// Run all tests
    Test(test::Args),
    /// Check arrows between crates, circles of files, the form of files, and that planted mistakes have their lines
    Tidy,
    /// Run the kernels' unit tests under Miri, which finds undefined behaviour (needs the nightly toolchain)
    Miri,
    /// Plant known mistakes one by one and see that the tests catch each
    Mutants(mutants::Args),
    /// Time training and sampling of the U-Net against the same network in PyTorch
    ///
    /// Both sides get the same weights and the same batch, and must agree on the losses of the first steps and on the
    /// output before anything is timed. A training step is forward, backward, clipping, Adam and moving average in
    /// single precision; a sampling step is one forward pass without gradients. Both sides stay alive and are visited
    /// in turn, one at a time. Needs a Python with torch and numpy: benches/peers/README.md.
    BenchVsTorch(bench_vs_torch::BenchVsTorch),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Task::ReproduceTable2(args) => args.run(),
        Task::ReproduceExposureBias(args) => args.run(),
        Task::Conformance(args) => args.run(),
        Task::Test(args) => test::run(&args),
        Task::Tidy => tidy::run(),
        Task::Miri => miri::run(),
        Task::Mutants(args) => mutants::run(&args),
        Task::BenchVsTorch(args) => args.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Exit(code)) => ExitCode::from(code),
        Err(Failure::Message(text)) => {
            eprintln!("error: {text}");
            ExitCode::from(2)
        }
    }
}
