//! Commands that start the `undrift` program.

use crate::failure::Failure;
use crate::program::{cargo, replace_by};
use clap::Args;
use std::path::PathBuf;

/// Options of `cargo xtask reproduce-table2`.
#[derive(Args)]
pub(crate) struct ReproduceTable2 {
    /// smoke (minutes), quick (the default) or paper (CIFAR-10 as published: needs a GPU, or months)
    #[arg(long, default_value = "quick")]
    preset: String,
    /// Rows to run, separated by commas: mu-learned, mu-fixed, mu-mse, eps-learned, eps-fixed, eps-simple
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    #[command(flatten)]
    shared: Shared,
}

/// Options of `cargo xtask reproduce-exposure-bias`.
#[derive(Args)]
pub(crate) struct ReproduceExposureBias {
    /// smoke (minutes), quick (the default) or paper (CIFAR-10 as published: needs a GPU, or months)
    #[arg(long, default_value = "quick")]
    preset: String,
    #[command(flatten)]
    shared: Shared,
}

/// What both have.
#[derive(Args)]
struct Shared {
    /// Number of seeds (0, 1, ..)
    #[arg(long)]
    seeds: Option<u64>,
    /// flex, or a device that was compiled in
    #[arg(long)]
    device: Option<String>,
    /// Run directory [default: runs/RECIPE-PRESET]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print what would be done and how long it would take on this machine
    #[arg(long)]
    dry_run: bool,
}

impl ReproduceTable2 {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.shared.run("table2", self.preset, &self.rows)
    }
}

impl ReproduceExposureBias {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.shared.run("exposure-bias", self.preset, &[])
    }
}

impl Shared {
    fn run(self, recipe: &str, preset: String, rows: &[String]) -> Result<(), Failure> {
        let mut arguments = vec!["run".to_owned(), recipe.to_owned(), "--preset".to_owned(), preset];
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                arguments.extend([format!("--{name}"), value]);
            }
        };
        option("rows", (!rows.is_empty()).then(|| rows.join(",")));
        option("seeds", self.seeds.map(|n| n.to_string()));
        option("device", self.device.clone());
        option("out", self.out.map(|path| path.display().to_string()));
        if self.dry_run {
            arguments.push("--dry-run".to_owned());
        }
        undrift(&arguments, self.device.as_deref())
    }
}

/// Builds the program (with the device's feature, if it is not the default one) and runs it.
fn undrift(arguments: &[String], device: Option<&str>) -> Result<(), Failure> {
    let feature = device.map(|name| name.split(':').next().unwrap_or(name)).filter(|name| *name != "flex");
    let mut command = cargo(&["run", "--release", "--quiet", "--package", "undrift-lab"]);
    if let Some(feature) = feature.filter(|name| ["ndarray", "wgpu", "cuda"].contains(name)) {
        command.args(["--features", feature]);
    }
    // Training frees and allocates the same buffers at every step: the allocator shall not return them in between.
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        command.env("MIMALLOC_PURGE_DELAY", "-1");
    }
    replace_by(command.arg("--").args(arguments))
}
