use undrift_losses::{BoundOfBatch, bits_per_dim};
use undrift_noise::Replay;

use super::model::{denoiser, network};
use crate::conformance::case::{Arithmetic, Cases};
use crate::conformance::compare::{Tolerance, compare};
use crate::conformance::error::FixtureError;
use crate::conformance::fixture::Fixture;
use crate::conformance::tensors::images;
use crate::conformance::{setting, tolerances};

/// `calc_bpd_loop`: the whole bound of a batch, term by term.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    for run in Arithmetic::BOTH {
        if fixture.tensors().under(run).next().is_none() {
            continue;
        }
        let bound = bound(fixture, run)?;
        for (item, published) in fixture.tensors().under(run) {
            let ours = ours(item, &bound);
            let tolerance = tolerance(fixture, item, run)?;
            cases.add(item, run, ours.map(|ours| compare(&ours, &published.values, tolerance)));
        }
    }
    Ok(())
}

fn bound(fixture: &Fixture, run: Arithmetic) -> Result<BoundOfBatch, FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let chain = setting::chain(&root.get("schedule")?)?;
    let (variance, channels) = setting::variance(root.text("var_type")?)?;
    let grid = setting::respaced(&chain, root.text_or_empty("respacing"))?;
    let model = network(fixture, &chain, channels)?;
    let model = denoiser(model, root.flag("clip_denoised")?);
    let rows = tensors.get("noise")?.rows();
    if rows.len() < grid.steps() {
        return Err(FixtureError::WrongShape {
            name: "noise".to_owned(),
            found: tensors.get("noise")?.shape.clone(),
            expected: format!("{} rows, one for each step", grid.steps()),
        });
    }
    let rows = rows.iter().map(|row| images("noise", row, run));
    let mut noise = Replay::new(rows.collect::<Result<_, _>>()?);
    let x0 = tensors.images("x_start", run)?;
    bits_per_dim(&*model, variance, &grid, x0, &mut noise).map_err(FixtureError::refused)
}

/// The published columns run from the noisiest step down, ours in order of t; both by sample first.
fn ours(item: &str, bound: &BoundOfBatch) -> Result<Vec<f64>, FixtureError> {
    let columns = |rows: &[Vec<f64>]| {
        let samples = 0..bound.prior.len();
        samples.flat_map(|b| rows.iter().rev().map(move |row| row[b])).collect()
    };
    match item {
        "total_bpd" => Ok(bound.total.clone()),
        "prior_bpd" => Ok(bound.prior.clone()),
        "vb" => Ok(columns(&bound.terms)),
        "xstart_mse" => Ok(columns(&bound.x0_mse)),
        "mse" => Ok(columns(&bound.eps_mse)),
        other => Err(FixtureError::NotCovered(format!("an item called `{other}`"))),
    }
}

fn tolerance(fixture: &Fixture, item: &str, run: Arithmetic) -> Result<Tolerance, FixtureError> {
    let root = fixture.root();
    if item != "total_bpd" {
        return Ok(tolerances::loss(run));
    }
    let cosine = root.get("schedule")?.text_or_empty("name").contains("cosine");
    Ok(match cosine && !root.flag("clip_denoised")? {
        true => tolerances::total_bits_of_open_cosine(run),
        false => tolerances::total_bits(run),
    })
}
