//! Golden vectors of steps, diffusers.

use undrift_denoisers::OutputVariance;
use undrift_schedules::{Chain, Grid, Spacing, Span};

use super::meaning::Meaning;
use super::recorded::{Reading, Recorded};
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::{Array, Tensors, values};
use crate::{setting, tolerances};

/// `DDPMScheduler.step` on a recorded model output, in single precision.
///
/// It differs from ours on the step to the data, to which it adds noise unless that step starts at label 0.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let config = root.get("config")?;
    let chain = setting::diffusers_chain(&config)?;
    let meaning = Meaning::named(root.text("prediction_type")?, &chain)?;
    let grid = visited(&chain, &config, root.count("num_inference_steps")?)?;
    let spans = spans_from(&grid, &tensors.indices("t")?)?;
    for name in tensors.names().filter(|name| name.contains('/')) {
        let compared = compared(name, tensors, &spans, &meaning);
        cases.add(name, Arithmetic::F32, compared);
    }
    Ok(())
}

/// `clip/pred_x0` or `fixed_small/clip/x_prev`.
fn compared(name: &str, tensors: &Tensors, spans: &[Span], meaning: &Meaning) -> Result<Outcome, FixtureError> {
    let unknown = || FixtureError::NotCovered(format!("an item called `{name}`"));
    let parts: Vec<&str> = name.split('/').collect();
    let (of, clip, what) = match parts[..] {
        [clip, "pred_x0"] => ("fixed_small", clip, "pred_x0"),
        [of, clip, "x_prev"] => (of, clip, "x_prev"),
        _ => return Err(unknown()),
    };
    let (variance, channels) = setting::variance(of)?;
    let clip = match clip {
        "clip" => true,
        "noclip" => false,
        _ => return Err(unknown()),
    };
    if variance == undrift_denoisers::Variance::Learned && channels == OutputVariance::LogVariance {
        let reason = "diffusers' `learned` output is a variance, not its logarithm".to_owned();
        return Err(FixtureError::NotCovered(reason));
    }
    let reading = Reading { meaning: meaning.clone(), variance, channels, clip };
    let output = output(tensors, channels)?;
    let batch = Recorded { x: tensors.get("x_t")?, output: &output, noise: tensors.get("noise")?, spans };
    let (run, published) = (Arithmetic::F32, &tensors.get(name)?.values);
    if what == "pred_x0" {
        let ours = values(batch.prediction(&reading, run)?.x0());
        return Ok(compare(&ours, published, tolerances::step(run)));
    }
    batch.compare_single_ancestral(&reading, published)
}

/// The recorded output, with its variance channels behind it where they are used.
fn output(tensors: &Tensors, channels: OutputVariance) -> Result<Array, FixtureError> {
    let belief = tensors.get("model_output")?;
    match channels {
        OutputVariance::None => Ok(belief.clone()),
        _ => belief.joined(tensors.get("variance_channel")?),
    }
}

fn visited(chain: &Chain, config: &Node<'_>, steps: usize) -> Result<Grid, FixtureError> {
    let spacing = match config.text_or_empty("timestep_spacing") {
        "" | "leading" => Spacing::Leading,
        "trailing" => Spacing::Trailing,
        "linspace" => Spacing::Linspace,
        other => return Err(FixtureError::NotCovered(format!("a spacing called `{other}`"))),
    };
    chain.respace(spacing, steps).map_err(FixtureError::refused)
}

fn spans_from(grid: &Grid, labels: &[usize]) -> Result<Vec<Span>, FixtureError> {
    let spans = labels.iter().map(|&label| {
        let mut spans = grid.spans().iter();
        let span = spans.find(|span| span.from().time() == label as f64);
        let span = span.ok_or_else(|| FixtureError::WrongField {
            field: "t".to_owned(),
            expected: "a list of labels that the scheduler visits",
        })?;
        if label > 0 && span.to().is_none() {
            let reason = "a step to the data that adds noise".to_owned();
            return Err(FixtureError::NotCovered(reason));
        }
        Ok(*span)
    });
    spans.collect()
}
