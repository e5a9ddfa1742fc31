//! The command that starts `undrift-conformance`.

use crate::failure::Failure;
use crate::program::{cargo, replace_by};
use clap::Args;
use std::path::PathBuf;

/// Options of `cargo xtask conformance`.
#[derive(Args)]
pub(crate) struct Conformance {
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

impl Conformance {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut command = cargo(&["run", "--release", "--quiet", "--package", "undrift-conformance", "--"]);
        command.arg("--fixtures").arg(self.fixtures);
        if let Some(group) = self.group {
            command.args(["--group", &group]);
        }
        if self.json {
            command.arg("--json");
        }
        replace_by(&mut command)
    }
}
