//! Golden vectors of steps, diffusers ddim.

use undrift_samplers::{Ddim, DdimInversion};
use undrift_schedules::Span;

use super::ddim::{eta, reading};
use super::meaning::Meaning;
use super::recorded::Recorded;
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::{Tensors, values};
use crate::{setting, tolerances};

/// `DDIMScheduler.step` and `DDIMInverseScheduler.step` on a recorded model output, in single precision.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let config = root.get("config")?;
    check(&config)?;
    let (chain, steps) = (setting::diffusers_ddim_chain(&config)?, root.count("num_inference_steps")?);
    let meaning = Meaning::named(root.text("prediction_type")?, &chain)?;
    let labels = tensors.indices("t")?.into_iter();
    let spans = labels.map(|label| setting::diffusers_ddim_span(&config, &chain, label, steps));
    let spans = spans.collect::<Result<Vec<Span>, _>>()?;
    for name in tensors.names().filter(|name| name.contains('/')) {
        match name.split('/').collect::<Vec<_>>()[..] {
            ["inverse", clip, "x_next"] => inverse(name, clip, tensors, &spans, &meaning, cases),
            _ => {
                cases.add(name, Arithmetic::F32, compared(name, tensors, &spans, &meaning, false));
                if name.contains("/clip/raweps/") {
                    let behind = format!("{name} behind clip");
                    cases.add(&behind, Arithmetic::F32, compared(name, tensors, &spans, &meaning, true));
                }
            }
        }
    }
    Ok(())
}

/// `clip/pred_x0` or `eta0.5/clip/raweps/x_prev`, where a wrapper or the step itself clips beside a kept eps.
fn compared(
    name: &str,
    tensors: &Tensors,
    spans: &[Span],
    meaning: &Meaning,
    wrapped: bool,
) -> Result<Outcome, FixtureError> {
    let unknown = || FixtureError::NotCovered(format!("an item called `{name}`"));
    let published = &tensors.get(name)?.values;
    let batch = batch(tensors, spans)?;
    let (eta, clip, eps) = match name.split('/').collect::<Vec<_>>()[..] {
        [clip, "pred_x0"] => {
            let reading = reading(meaning.clone(), clipped(clip).ok_or_else(unknown)?);
            let ours = values(batch.prediction(&reading, Arithmetic::F32)?.x0());
            return Ok(compare(&ours, published, tolerances::step(Arithmetic::F32)));
        }
        [of, clip, eps, "x_prev"] => (eta(&format!("{of}/x_prev")), clipped(clip), eps),
        _ => return Err(unknown()),
    };
    let (eta, clip) = (eta.ok_or_else(unknown)?, clip.ok_or_else(unknown)?);
    let keep_eps = match eps {
        "raweps" => clip,
        "reclipeps" => false,
        _ => return Err(unknown()),
    };
    let reading = reading(meaning.clone(), clip && (wrapped || !keep_eps));
    batch.compare_single_ddim(Ddim { eta, keep_eps }, &reading, published)
}

/// `inverse/clip/x_next`: from the level below to the level of `t`, with the model's own eps beside a clipped x0.
///
/// Where the level below is the data, diffusers reads the output as if it had been made there; that agrees with
/// a model that was asked at the level above only if it predicts eps.
fn inverse(name: &str, clip: &str, tensors: &Tensors, spans: &[Span], meaning: &Meaning, cases: &mut Cases) {
    let from_data = |span: &Span| span.to().is_none();
    let fits = |span: &Span| matches!(meaning, Meaning::Eps) || !from_data(span);
    let kept: Vec<usize> = (0..spans.len()).filter(|&b| fits(&spans[b])).collect();
    if kept.len() < spans.len() {
        let reason = "diffusers reads an output of the step from the data as one about clean data";
        cases.not_covered(&format!("{name} from the data"), reason);
    }
    let compared = || {
        let keep_eps = clipped(clip).ok_or_else(|| FixtureError::NotCovered(format!("an item called `{name}`")))?;
        let of = |tensor: &str| tensors.get(tensor)?.samples(tensor, &kept);
        let (x, output, noise, published) = (of("x_t")?, of("model_output")?, of("noise")?, of(name)?);
        let spans: Vec<Span> = kept.iter().map(|&b| spans[b]).collect();
        let batch = Recorded { x: &x, output: &output, noise: &noise, spans: &spans };
        let (inversion, divides) = (DdimInversion { keep_eps }, matches!(meaning, Meaning::X0));
        batch.compare_single_inverse(inversion, &reading(meaning.clone(), false), &published.values, divides)
    };
    cases.add(name, Arithmetic::F32, compared());
}

fn batch<'a>(tensors: &'a Tensors, spans: &'a [Span]) -> Result<Recorded<'a>, FixtureError> {
    let (x, output, noise) = (tensors.get("x_t")?, tensors.get("model_output")?, tensors.get("noise")?);
    Ok(Recorded { x, output, noise, spans })
}

fn clipped(word: &str) -> Option<bool> {
    match word {
        "clip" => Some(true),
        "noclip" => Some(false),
        _ => None,
    }
}

/// Settings that this solver has no counterpart of.
pub(crate) fn check(config: &Node<'_>) -> Result<(), FixtureError> {
    let thresholding = config.has("thresholding") && config.flag("thresholding")?;
    if config.number_or("clip_sample_range", 1.0)? != 1.0 || thresholding {
        return Err(FixtureError::Absent("a clipping range other than that of the data, or thresholding".to_owned()));
    }
    Ok(())
}
