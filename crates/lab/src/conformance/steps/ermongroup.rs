//! Golden vectors of steps, ermongroup.

use undrift_denoisers::{OutputVariance, Variance};
use undrift_schedules::{Chain, Span};

use super::meaning::Meaning;
use super::recorded::{Reading, Recorded};
use crate::conformance::case::{Arithmetic, Cases};
use crate::conformance::error::FixtureError;
use crate::conformance::fixture::Fixture;
use crate::conformance::setting;
use crate::conformance::sidecar::Node;

/// `ddpm_steps` of DDIM's code: ancestral, fixed large, always clipped, each sample from a level to another.
/// Its `generalized_steps` in the same file are DDIM's own.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let chain = setting::chain(&root.get("schedule")?)?;
    let from = tensors.indices("t")?;
    let spans = spans(&chain, &from, &root.get("t_next")?)?;
    let reading =
        Reading { meaning: Meaning::Eps, variance: Variance::FixedLarge, channels: OutputVariance::None, clip: true };
    let batch =
        Recorded { x: tensors.get("x_t")?, output: tensors.get("eps")?, noise: tensors.get("noise")?, spans: &spans };
    for run in Arithmetic::BOTH {
        for (item, published) in tensors.under(run) {
            if run == Arithmetic::F32 && item == "ddpm_steps/x_prev" {
                cases.add(item, run, batch.compare_single_step(&reading, &published.values));
            } else {
                cases.not_covered(&format!("{}/{item}", run.name()), "DDIM's step is not there yet");
            }
        }
    }
    Ok(())
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
