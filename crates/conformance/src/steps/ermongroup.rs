//! Golden vectors of steps, ermongroup.

use undrift_denoisers::Variance;
use undrift_samplers::Ddim;
use undrift_schedules::{Chain, Span};

use super::ddim::{eta, reading};
use super::meaning::Meaning;
use super::recorded::{Reading, Recorded};
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::values;
use crate::{setting, tolerances};

/// `generalized_steps` of DDIM's code, which never clips, and its `ddpm_steps`: ancestral, fixed large, always
/// clipped. Each sample goes from a level of its own to another.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let chain = setting::chain(&root.get("schedule")?)?;
    let from = tensors.indices("t")?;
    let spans = spans(&chain, &from, &root.get("t_next")?)?;
    let batch =
        Recorded { x: tensors.get("x_t")?, output: tensors.get("eps")?, noise: tensors.get("noise")?, spans: &spans };
    for run in Arithmetic::BOTH {
        for (item, published) in tensors.under(run) {
            cases.add(item, run, compared(item, &batch, &published.values, run));
        }
    }
    Ok(())
}

/// `eta0.5/x_prev`, `ddpm_steps/x_prev` or `pred_x0`.
fn compared(item: &str, batch: &Recorded<'_>, published: &[f64], run: Arithmetic) -> Result<Outcome, FixtureError> {
    let plain = reading(Meaning::Eps, false);
    let larger = Reading { variance: Variance::FixedLarge, ..reading(Meaning::Eps, true) };
    match (item, eta(item), run) {
        ("pred_x0", ..) => {
            let ours = values(batch.prediction(&plain, run)?.x0());
            Ok(compare(&ours, published, tolerances::step(run)))
        }
        ("ddpm_steps/x_prev", _, Arithmetic::F32) => batch.compare_single_ancestral(&larger, published),
        (_, Some(eta), Arithmetic::F32) => batch.compare_single_ddim(Ddim { eta, keep_eps: false }, &plain, published),
        _ => Err(FixtureError::NotCovered(format!("an item called `{item}` in {}", run.name()))),
    }
}

/// From index `t` to index `next`, where -1 is the data.
fn spans(chain: &Chain, from: &[usize], next: &Node<'_>) -> Result<Vec<Span>, FixtureError> {
    let next = next.as_numbers()?;
    let each = from.iter().zip(&next).map(|(&from, &next)| {
        let rising = if next < 0.0 { vec![from] } else { vec![next as usize, from] };
        let grid = setting::at_indices(chain, &rising)?;
        Ok(grid.spans()[0])
    });
    each.collect()
}
