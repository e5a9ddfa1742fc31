//! `undrift report`.

use super::Outcome;
use super::run::report_study;
use crate::exposure::Study;
use crate::run::{RunDirectory, collect_report};
use miette::{IntoDiagnostic, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The run directory
    directory: PathBuf,
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    let (directory, recipe) = RunDirectory::existing(&args.directory).into_diagnostic()?;
    if recipe.exposure.is_some() {
        return report_study(&Study::read(directory.root()).into_diagnostic()?, directory.root());
    }
    let report = collect_report(&directory, &recipe).into_diagnostic()?;
    crate::report::write(&report, directory.root()).into_diagnostic()?;
    println!("{}", crate::report::text_table(&report));
    println!("{}", directory.root().join("report.html").display());
    Ok(Outcome::Done)
}
