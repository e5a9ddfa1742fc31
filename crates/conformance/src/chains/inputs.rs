//! Golden vectors of chains, inputs.

use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::toy::ToyEps;

/// Shared noise: nothing to compare, the chains that replay it do.
pub(super) fn noise(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let noise = fixture.tensors().get("noise")?;
    if let Some(at) = noise.values.iter().position(|value| !value.is_finite()) {
        let found = format!("with a number that is not finite at {at}");
        return Err(FixtureError::WrongType { name: "noise".to_owned(), found });
    }
    cases.note("", "noise that other files of the folder replay");
    Ok(())
}

/// The constants of the toys: those of some chain beside them.
pub(super) fn toys(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let used = used_beside(fixture);
    for (name, toy) in fixture.root().fields() {
        let published = constants(ToyEps::read(&toy)?);
        let same_kind = used.iter().filter(|used| used.len() == published.len());
        let gap = |used: &&Vec<f64>| used.iter().zip(&published).map(|(a, b)| (a - b).abs()).sum::<f64>();
        match same_kind.min_by(|a, b| gap(a).total_cmp(&gap(b))) {
            Some(ours) => {
                let compared = compare(ours, &published, Tolerance::EXACT);
                cases.add(name, Arithmetic::F64, Ok(compared));
            }
            None => cases.not_covered(name, "no chain of the folder uses this toy"),
        }
    }
    Ok(())
}

fn used_beside(fixture: &Fixture) -> Vec<Vec<f64>> {
    let others = fixture.siblings().into_iter().filter(|stem| stem != fixture.stem());
    let others = others.filter_map(|stem| fixture.sidecar_beside(&stem).ok());
    let toys = others.filter_map(|other| {
        let toy = other.get("toy")?.clone();
        ToyEps::read(&crate::sidecar::Node::root(&toy)).ok()
    });
    toys.map(constants).collect()
}

fn constants(toy: ToyEps) -> Vec<f64> {
    match toy {
        ToyEps::Gauss { mean, std } => vec![mean, std],
        ToyEps::Tanh { a, b, c } => vec![a, b, c],
    }
}
