//! `undrift report`.

use super::Outcome;
use super::run::report_study;
use crate::devices;
use crate::exposure::Study;
use crate::methods::Methods;
use crate::recipe::Recipe;
use crate::run::{RunDirectory, collect_report};
use crate::terminal::say;
use miette::{IntoDiagnostic, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The run directory
    directory: PathBuf,
    /// Device to score real images on
    #[arg(long, default_value = devices::DEVICES[0])]
    device: String,
}

pub(crate) fn run(methods: &Methods, args: Args) -> Result<Outcome> {
    let device = devices::device(&args.device).into_diagnostic()?;
    let (directory, recipe) = RunDirectory::held::<Recipe>(&args.directory).into_diagnostic()?;
    if recipe.exposure.is_some() {
        return report_study(&Study::read(directory.root()).into_diagnostic()?, directory.root());
    }
    let report = collect_report(methods, &directory, &recipe, &device).into_diagnostic()?;
    crate::report::write(&report, directory.root()).into_diagnostic()?;
    say(undrift_report::text(&crate::report::page(&report)))?;
    say(directory.root().join("report.html").display())?;
    Ok(Outcome::Done)
}
