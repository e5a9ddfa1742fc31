//! Golden vectors of steps, multistep.

use std::cell::RefCell;

use burn::tensor::Tensor;
use undrift_denoisers::Network;

use crate::conformance::case::{Arithmetic, Cases};
use crate::conformance::compare::compare;
use crate::conformance::error::FixtureError;
use crate::conformance::fixture::Fixture;
use crate::conformance::multistep::Multistep;
use crate::conformance::tensors::values;
use crate::conformance::tolerances;

/// A run of one of diffusers' multistep schedulers, in single precision, with prescribed model outputs: what the
/// network was handed in each call (`model_input`), and the state that the call led to (`x_next`).
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (scheduler, run) = (Multistep::read(fixture)?, Arithmetic::F32);
    let published = fixture.root().numbers("timesteps")?;
    let prescribed = Prescribed::read(fixture, published.len(), run)?;
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

/// A network that answers what was recorded, and notes what it was handed.
struct Prescribed {
    outputs: Vec<Tensor<4>>,
    handed: RefCell<Vec<Tensor<4>>>,
}

impl Prescribed {
    fn read(fixture: &Fixture, calls: usize, run: Arithmetic) -> Result<Self, FixtureError> {
        let output = |call| fixture.tensors().images(&format!("step{call}/model_output"), run);
        Ok(Prescribed { outputs: (0..calls).map(output).collect::<Result<_, _>>()?, handed: RefCell::default() })
    }
}

impl Network<4> for &Prescribed {
    fn forward(&self, x: Tensor<4>, _time: Tensor<1>) -> Tensor<4> {
        let call = self.handed.borrow().len();
        self.handed.borrow_mut().push(x.clone());
        // More questions than there are answers give NaN, which no comparison passes.
        self.outputs.get(call).cloned().unwrap_or_else(|| x.zeros_like() / 0.0)
    }
}
