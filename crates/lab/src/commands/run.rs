//! `undrift run`.

use super::Outcome;
use crate::devices;
use crate::exposure::{ExposureSettings, Study as ExposureStudy, run_study, study_page, write_study};
use crate::methods::Methods;
use crate::progress::Terminal;
use crate::recipe::{Recipe, load};
use crate::report::{page, write};
use crate::run::{RunDirectory, RunError, Study, Table, estimate, report_of, table};
use crate::terminal::{note, say};
use burn::tensor::Device;
use miette::{IntoDiagnostic, Result, miette};
use std::path::{Path, PathBuf};

/// Largest `--seeds`.
const MOST_SEEDS: u64 = 1000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Built-in recipe or path of a TOML file
    recipe: String,
    /// Preset of the recipe [default: quick]
    #[arg(long)]
    preset: Option<String>,
    /// Rows to run, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Number of seeds (0, 1, ..) instead of the recipe's list
    #[arg(long)]
    seeds: Option<u64>,
    /// Device to compute on
    #[arg(long, default_value = devices::DEVICES[0])]
    device: String,
    /// Run directory [default: runs/RECIPE-PRESET]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print what would be done and how long it would take on this machine
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(methods: &Methods, args: Args) -> Result<Outcome> {
    let mut whole = load(&args.recipe, args.preset.as_deref(), methods).into_diagnostic()?;
    if let Some(count) = args.seeds {
        if !(1..=MOST_SEEDS).contains(&count) {
            return Err(miette!("--seeds is {count}, but it must lie in 1..={MOST_SEEDS}"));
        }
        whole.seeds = (0..count).collect();
        whole.validate(methods).into_diagnostic()?;
    }
    if whole.exposure.is_some() && !args.rows.is_empty() {
        return Err(miette!("a study compares its rows with each other; leave --rows away"));
    }
    let mut recipe = whole.clone();
    if !args.rows.is_empty() {
        recipe = recipe.with_rows(&args.rows).into_diagnostic()?;
    }
    let device = devices::device(&args.device).into_diagnostic()?;
    let root = args.out.unwrap_or_else(|| Path::new("runs").join(format!("{}-{}", recipe.name, recipe.preset)));
    if args.dry_run {
        say(format_args!(
            "{}\n\n{}\nrun directory: {}",
            recipe.to_toml(),
            estimate(methods, &recipe, &args.device, &device).into_diagnostic()?,
            root.display()
        ))?;
        return Ok(Outcome::Done);
    }
    let mut table = table(methods, &whole, &recipe, &args.device, &device).into_diagnostic()?;
    let inputs = table.check().into_diagnostic()?;
    crate::interrupt::install().into_diagnostic()?;
    let directory = RunDirectory::open(&root, &whole, &inputs).into_diagnostic()?;
    if let Some(remark) = directory.remark() {
        note(remark);
    }
    let (_, saved) = RunDirectory::existing::<Recipe>(&root).into_diagnostic()?;
    if let Some(settings) = &recipe.exposure {
        return run_exposure(methods, &directory, &saved, settings, &args.device, &device);
    }
    table.seeds = saved.seeds.clone();
    run_table(methods, &directory, &saved, &table, &device)
}

fn run_exposure(
    methods: &Methods,
    directory: &RunDirectory,
    recipe: &Recipe,
    settings: &ExposureSettings,
    device_name: &str,
    device: &Device,
) -> Result<Outcome> {
    match stopped(run_study(methods, directory, recipe, settings, device_name, device))? {
        None => Ok(Outcome::Interrupted),
        Some((study, failed)) => {
            let reported = ended(report_study(&study, directory.root())?, study.has_nothing());
            if failed.is_empty() { reported } else { Err(RunError::Rows { failed }).into_diagnostic() }
        }
    }
}

fn run_table(
    methods: &Methods,
    directory: &RunDirectory,
    recipe: &Recipe,
    table: &Table,
    device: &Device,
) -> Result<Outcome> {
    let Some(finished) = stopped(table.run(directory, &Terminal))? else { return Ok(Outcome::Interrupted) };
    let report = report_of(methods, recipe, finished.results, device).into_diagnostic()?;
    write(&report, directory.root()).into_diagnostic()?;
    say(undrift_report::text(&page(&report)))?;
    say(format_args!("report: {}", directory.root().join("report.html").display()))?;
    if !finished.failed.is_empty() {
        return Err(RunError::Rows { failed: finished.failed }).into_diagnostic();
    }
    ended(Outcome::Done, table.all_failed(directory).into_diagnostic()?)
}

/// How a run ends whose report is written.
fn ended(reported: Outcome, nothing: bool) -> Result<Outcome> {
    if nothing {
        note("error: no row and seed gave any samples; the report says why of each");
        return Ok(Outcome::Failed);
    }
    Ok(reported)
}

/// Writes a study's report and prints what was found.
pub(super) fn report_study(study: &ExposureStudy, root: &Path) -> Result<Outcome> {
    write_study(study, root).into_diagnostic()?;
    say(undrift_report::text(&study_page(study)))?;
    say(format_args!("report: {}", root.join("report.html").display()))?;
    Ok(Outcome::Done)
}

/// What a run gave; `None`, with a word to the user, if it was stopped.
fn stopped<T>(result: std::result::Result<T, RunError>) -> Result<Option<T>> {
    match result {
        Err(RunError::Interrupted) => {
            note(RunError::Interrupted);
            Ok(None)
        }
        other => other.map(Some).into_diagnostic(),
    }
}
