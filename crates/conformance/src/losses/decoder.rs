//! Golden vectors of losses, decoder.

use undrift_losses::decoder_log_likelihood;

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::{tensor, values};
use crate::tolerances;

/// `discretized_gaussian_log_likelihood` of listed pixels, in nats, one case for each scale and offset.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let pixels = fixture.root().numbers("x_u8")?;
    let x0: Vec<f64> = pixels.iter().map(|grey| grey / 127.5 - 1.0).collect();
    for case in fixture.root().get("cases")?.members() {
        let (scale, offset) = (case.number("log_scale")?, case.number("mean_minus_x")?);
        for (run, field) in [(Arithmetic::F32, "log_prob_f32"), (Arithmetic::F64, "log_prob_f64")] {
            let item = format!("log_scale {scale}, mean - x {offset}");
            let compared = log_probability(&x0, scale, offset, run, &case, field);
            cases.add(&item, run, compared);
        }
    }
    let listed = fixture.root().get("cases")?.members();
    if listed.iter().any(|case| case.has("log_prob_exact_erf_own")) {
        let reason = "the exact integral, listed beside the published decoder's approximation of it";
        cases.note("log_prob_exact_erf_own", reason);
    }
    Ok(())
}

fn log_probability(
    x0: &[f64],
    scale: f64,
    offset: f64,
    run: Arithmetic,
    case: &Node<'_>,
    field: &str,
) -> Result<Outcome, FixtureError> {
    let published = case.numbers(field)?;
    let row = |values: Vec<f64>| tensor(values, [1, x0.len()], run);
    // Rounded once, as published: beside a narrow Gaussian the last place of the mean counts.
    let mean = row(x0.iter().map(|x| x + offset).collect());
    let log_scale = row(vec![scale; x0.len()]);
    let ours = values(decoder_log_likelihood(row(x0.to_vec()), mean, log_scale));
    Ok(compare(&ours, &published, tolerances::loss(run)))
}
