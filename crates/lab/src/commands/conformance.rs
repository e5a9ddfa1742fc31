//! `undrift conformance`.

use super::Outcome;
use miette::{IntoDiagnostic, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory of golden vectors
    #[arg(long, default_value = "fixtures")]
    fixtures: PathBuf,
    /// Run one group only
    #[arg(long)]
    group: Option<String>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    let passed = crate::conformance::command(&args.fixtures, args.group.as_deref(), args.json).into_diagnostic()?;
    Ok(if passed { Outcome::Done } else { Outcome::Failed })
}
