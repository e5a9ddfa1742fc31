//! Golden vectors of steps, multistep.

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::multistep::Multistep;
use crate::tensors::values;
use crate::tolerances;
use crate::watched::Prescribed;

/// A run of one of diffusers' multistep schedulers, in single precision, with prescribed model outputs: what the
/// network was handed in each call (`model_input`), and the state that the call led to (`x_next`).
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (scheduler, run) = (Multistep::read(fixture)?, Arithmetic::F32);
    let published = fixture.root().numbers("timesteps")?;
    let prescribed = Prescribed::read(fixture, run)?;
    let visited = scheduler.run(&prescribed, fixture.tensors().images("x_init", run)?)?;
    let compared = compare(&visited.labels, &published, tolerances::SINGLE_TIME);
    cases.add("timesteps", Arithmetic::F64, Ok(compared));
    let handed = prescribed.handed.borrow();
    for name in fixture.tensors().names().filter(|name| name.contains('/') && !name.ends_with("/model_output")) {
        let ours = match call_of(name) {
            Some((call, "x_next")) => visited.states.get(call + 1),
            // A call after the last step gets the state where it ended.
            Some((call, "model_input")) => handed.get(call).or(visited.states.get(call)),
            _ => None,
        };
        let ours = ours.ok_or_else(|| FixtureError::NotCovered(format!("an item called `{name}`")));
        let published = &fixture.tensors().get(name)?.values;
        cases.add(name, run, ours.map(|ours| compare(&values(ours.clone()), published, tolerances::step(run))));
    }
    Ok(())
}

/// `step3/x_next` is the call 3 and `x_next`.
fn call_of(name: &str) -> Option<(usize, &str)> {
    let (call, item) = name.strip_prefix("step")?.split_once('/')?;
    Some((call.parse().ok()?, item))
}
