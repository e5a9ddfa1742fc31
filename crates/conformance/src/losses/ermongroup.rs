//! Golden vectors of losses, ermongroup.

use undrift_denoisers::{Levels, OutputVariance};
use undrift_losses::{Plain, squared_error};
use undrift_noise::Replay;

use super::model::network;
use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::values;
use crate::{setting, tolerances};

/// `noise_estimation_loss`: L_simple summed over pixels where ours is their mean, single precision.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let run = Arithmetic::F32;
    let per_sample = per_sample(fixture, run)?;
    let mean = per_sample.iter().sum::<f64>() / per_sample.len() as f64;
    for (name, ours) in [("loss_keepdim", per_sample), ("loss", vec![mean])] {
        let published = fixture.tensors().get(name);
        let tolerance = tolerances::loss(run);
        cases.add(name, run, published.map(|published| compare(&ours, &published.values, tolerance)));
    }
    Ok(())
}

fn per_sample(fixture: &Fixture, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
    let tensors = fixture.tensors();
    let chain = setting::chain(&fixture.root().get("schedule")?)?;
    let spans = setting::spans_at(&chain.grid(), &tensors.indices("t")?)?;
    let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
    let model = network(fixture, &chain, OutputVariance::None)?;
    let x0 = tensors.images("x0", run)?;
    let pixels: usize = x0.dims()[1..].iter().product();
    let mut noise = Replay::new(vec![tensors.images("e", run)?]);
    let loss = squared_error(&model, &Plain, x0, &at, &mut noise).map_err(FixtureError::refused)?;
    Ok(values(loss).into_iter().map(|mean| mean * pixels as f64).collect())
}
