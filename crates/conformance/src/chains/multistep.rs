//! Golden vectors of chains, multistep.

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::multistep::{self, Multistep};
use crate::tensors::values;
use crate::tolerances::{self, Bounded};
use crate::toy::{Toy, ToyEps};

use super::ddpm::alpha_bar;

/// A whole run of one of diffusers' multistep schedulers, in single precision: every recorded `x_after_k`, where k
/// counts calls of the model.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, run) = (fixture.root(), Arithmetic::F32);
    let chain = multistep::chain(&root.get("config")?)?;
    let eps = ToyEps::read(&root.get("toy")?)?;
    let toy = Toy { eps, channel: None, alpha_bar: alpha_bar(&chain) };
    let visited = Multistep::read(fixture)?.run(toy, fixture.tensors().images("x_T", run)?)?;
    let labels = compare(&visited.labels, &root.numbers("timesteps")?, tolerances::SINGLE_TIME);
    cases.add("timesteps", Arithmetic::F64, Ok(labels));
    let bounded = match eps {
        ToyEps::Gauss { .. } => Bounded::Exact,
        ToyEps::Tanh { .. } => Bounded::Grows,
    };
    for name in fixture.tensors().names().filter(|name| *name != "x_T") {
        let after = name.strip_prefix("x_after_").and_then(|k| k.parse::<usize>().ok());
        let ours = after.and_then(|k| visited.states.get(k));
        let ours = ours.ok_or_else(|| FixtureError::NotCovered(format!("an item called `{name}`")));
        let published = &fixture.tensors().get(name)?.values;
        let tolerance = tolerances::chain(run, bounded);
        cases.add(name, run, ours.map(|ours| compare(&values(ours.clone()), published, tolerance)));
    }
    Ok(())
}
