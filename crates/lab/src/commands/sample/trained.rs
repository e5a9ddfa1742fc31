//! Samples of a trained row of a run directory.

use super::{Args, Weights};
use crate::commands::Outcome;
use crate::devices;
use crate::methods::Methods;
use crate::progress::Terminal;
use crate::published::{Drawing, Output};
use crate::recipe::Recipe;
use crate::run::{RunDirectory, RunError, Setup, draw_all, trained_network};
use crate::terminal::{note, say};
use miette::{IntoDiagnostic, Result, miette};

pub(super) fn run(methods: &Methods, args: &Args) -> Result<Outcome> {
    let (Some(directory), Some(row)) = (&args.directory, &args.row) else {
        return Err(miette!("name a run directory and its --row, or a --checkpoint"));
    };
    args.checkpoint.check_unused()?;
    let (directory, recipe) = RunDirectory::existing::<Recipe>(directory).into_diagnostic()?;
    let mut recipe = recipe.with_rows(std::slice::from_ref(row)).into_diagnostic()?;
    let row = &mut recipe.rows[0];
    (row.settings.sampling.count, row.settings.sampling.batch) = (args.count, args.batch);
    let device = devices::device(&args.device).into_diagnostic()?;
    let setup = Setup::new(methods, row, &device).into_diagnostic()?;
    let output = Output::of(&args.out)?;
    output.check(setup.data.shape, None)?;
    args.check_size(setup.data.shape, &output)?;
    let place = output.open(setup.data.shape, args.count)?;
    let weights = args.weights.unwrap_or(Weights::Ema);
    let network = trained_network(&directory, &setup, args.trained_with, weights.into()).into_diagnostic()?;
    let sampler = setup.sampler(&args.sampler(&row.settings.sampling.sampler)).into_diagnostic()?;
    crate::interrupt::install().into_diagnostic()?;
    let bytes = match draw_all(&setup, &network, args.seed, &sampler, "sample".to_owned(), &Terminal) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(miette!("the samples are not finite; is the network trained?")),
        Err(RunError::Interrupted) => {
            note("stopped; nothing was written");
            return Ok(Outcome::Interrupted);
        }
        Err(e) => return Err(e).into_diagnostic(),
    };
    place.write(&Drawing::Images(bytes), setup.data.shape, None)?;
    say(output.path().display())?;
    Ok(Outcome::Done)
}
