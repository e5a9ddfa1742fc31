//! The command line of undrift.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    undrift_lab::commands::Cli::parse().run()
}
