//! Golden vectors of steps, edm precond.

use undrift_denoisers::{Edm, Parameterisation, X0};
use undrift_losses::Weighting;
use undrift_schedules::Level;

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tolerances;

/// EDM's coefficients at listed sigmas, in double precision.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    let sigma_data = root.number("sigma_data")?;
    let sigmas = root.numbers("sigma")?;
    let levels = sigmas.iter().map(|&sigma| Level::edm(sigma, sigma)).collect::<Result<Vec<_>, _>>();
    let levels = levels.map_err(FixtureError::refused)?;
    for (name, list) in root.fields().into_iter().filter(|(name, list)| list.is_list() && *name != "sigma") {
        let ours = levels.iter().map(|&level| coefficient(name, sigma_data, level));
        let ours = ours.collect::<Result<Vec<_>, FixtureError>>();
        let compared = ours.and_then(|ours| Ok(compare(&ours, &list.as_numbers()?, tolerances::step(Arithmetic::F64))));
        cases.add(name, Arithmetic::F64, compared);
    }
    Ok(())
}

fn coefficient(name: &str, sigma_data: f64, at: Level) -> Result<f64, FixtureError> {
    let edm = Edm { sigma_data };
    let (c_skip, c_out) = edm.x0_of(at).map_err(FixtureError::refused)?;
    match name {
        "c_skip" => Ok(c_skip),
        "c_out" => Ok(c_out),
        "c_in" => Ok(edm.c_in(at)),
        "c_noise" => Ok(edm.c_noise(at)),
        "lambda_weight" => Weighting::Edm { sigma_data }.weight(&X0, at).map_err(FixtureError::refused),
        other => Err(FixtureError::NotCovered(format!("a coefficient called `{other}`"))),
    }
}
