//! Golden vectors of steps, ddim.

use undrift_denoisers::{OutputVariance, Variance};
use undrift_samplers::{Ddim, DdimInversion};
use undrift_schedules::{Grid, Level, Span};

use super::meaning::Meaning;
use super::recorded::{Reading, Recorded, ends};
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{Array, values};
use crate::{setting, tolerances};

/// `ddim_sample` and `ddim_reverse_sample` on a recorded model output, each sample at its own level.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let chain = setting::chain(&root.get("schedule")?)?;
    let reading = reading(Meaning::named(root.text("mean_type")?, &chain)?, root.flag("clip_denoised")?);
    let grid = setting::respaced(&chain, root.text_or_empty("respacing"))?;
    let steps = tensors.indices("t")?;
    let (down, up) = (setting::spans_at(&grid, &steps)?, above(&grid, &steps)?);
    let (x, output, noise) = (tensors.get("x_t")?, tensors.get("model_output")?, tensors.get("noise")?);
    let batch = Recorded { x, output, noise, spans: &down };
    let backwards = Recorded { spans: &up, ..batch };
    for run in Arithmetic::BOTH {
        for (item, published) in tensors.under(run) {
            cases.add(item, run, compared(item, &batch, &backwards, &reading, published, run));
        }
    }
    Ok(())
}

fn compared(
    item: &str,
    batch: &Recorded<'_>,
    backwards: &Recorded<'_>,
    reading: &Reading,
    published: &Array,
    run: Arithmetic,
) -> Result<Outcome, FixtureError> {
    let (published, inversion) = (&published.values, DdimInversion::default());
    let plainly = |ours: Vec<f64>| Ok(compare(&ours, published, tolerances::step(run)));
    match (item, eta(item), run) {
        ("pred_xstart", ..) => plainly(values(batch.prediction(reading, run)?.x0())),
        ("reverse/x_next", _, Arithmetic::F64) => plainly(ends(backwards.inverse(inversion, reading, run)?)),
        ("reverse/x_next", _, Arithmetic::F32) => {
            backwards.compare_single_inverse(inversion, reading, published, false)
        }
        (_, Some(eta), Arithmetic::F64) => plainly(ends(batch.steps(&Ddim { eta, keep_eps: false }, reading, run)?)),
        (_, Some(eta), Arithmetic::F32) => batch.compare_single_ddim(Ddim { eta, keep_eps: false }, reading, published),
        _ => Err(FixtureError::NotCovered(format!("an item called `{item}`"))),
    }
}

/// A model without variance channels, read as it is or clipped.
pub(super) fn reading(meaning: Meaning, clip: bool) -> Reading {
    Reading { meaning, variance: Variance::FixedSmall, channels: OutputVariance::None, clip }
}

/// `eta0.5/x_prev`.
pub(super) fn eta(item: &str) -> Option<f64> {
    item.strip_prefix("eta")?.strip_suffix("/x_prev")?.parse().ok()
}

/// The spans that end at steps of a grid, by 0-based step; above the noisiest level is pure noise.
fn above(grid: &Grid, steps: &[usize]) -> Result<Vec<Span>, FixtureError> {
    let mut levels: Vec<Level> = grid.levels().collect();
    levels.reverse();
    let beyond = Level::vp(0.0, grid.start().time() + 1.0).map_err(FixtureError::refused)?;
    let each = steps.iter().map(|&step| {
        let here = levels.get(step).copied().ok_or_else(|| FixtureError::WrongField {
            field: "t".to_owned(),
            expected: "a list of steps of this schedule",
        })?;
        let up = levels.get(step + 1).copied().unwrap_or(beyond);
        let span = Grid::ending_at([up], here).map_err(FixtureError::refused)?;
        Ok(span.spans()[0])
    });
    each.collect()
}
