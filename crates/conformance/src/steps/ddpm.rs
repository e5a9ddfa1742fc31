//! Golden vectors of steps, ddpm.

use undrift_denoisers::{Prediction, Variance};
use undrift_samplers::Ancestral;
use undrift_schedules::Span;

use super::meaning::Meaning;
use super::recorded::{Reading, Recorded, ends};
use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::values;
use crate::{setting, tolerances};

/// `p_mean_variance` and `p_sample` on a recorded model output, each sample at its own level.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let chain = setting::chain(&root.get("schedule")?)?;
    let (variance, channels) = setting::variance(root.text("var_type")?)?;
    let reading = Reading {
        meaning: Meaning::named(root.text("mean_type")?, &chain)?,
        variance,
        channels,
        clip: root.flag("clip_denoised")?,
    };
    let grid = setting::respaced(&chain, root.text_or_empty("respacing"))?;
    let spans = setting::spans_at(&grid, &tensors.indices("t")?)?;
    let batch = Recorded {
        x: tensors.get("x_t")?,
        output: tensors.get("model_output")?,
        noise: tensors.get("noise")?,
        spans: &spans,
    };
    for run in Arithmetic::BOTH {
        for (item, published) in tensors.under(run) {
            let ours = ours(item, &batch, &reading, run);
            let compared = ours.map(|ours| compare(&ours, &published.values, tolerances::step(run)));
            cases.add(item, run, compared);
        }
    }
    Ok(())
}

fn ours(item: &str, batch: &Recorded<'_>, reading: &Reading, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
    match item {
        "x_prev" => Ok(ends(batch.steps(&Ancestral { variance: reading.variance }, reading, run)?)),
        "pred_xstart" => Ok(values(batch.prediction(reading, run)?.x0())),
        "mean" => {
            let mean = batch.prediction(reading, run)?.posterior_mean(batch.spans);
            Ok(values(mean.map_err(FixtureError::refused)?))
        }
        "log_variance" => log_variance(&batch.prediction(reading, run)?, reading.variance, batch.spans),
        "variance" => variance(&batch.prediction(reading, run)?, reading.variance, batch.spans),
        other => Err(FixtureError::NotCovered(format!("an item called `{other}`"))),
    }
}

fn log_variance(prediction: &Prediction<4>, of: Variance, spans: &[Span]) -> Result<Vec<f64>, FixtureError> {
    let column = of.log_variance(prediction, spans).map_err(FixtureError::refused)?;
    Ok(values(column.expand(prediction.x().dims())))
}

/// The published fixed small variance is 0 on the last step, where only its logarithm is clipped.
fn variance(prediction: &Prediction<4>, of: Variance, spans: &[Span]) -> Result<Vec<f64>, FixtureError> {
    if of != Variance::FixedSmall {
        let logarithms = log_variance(prediction, of, spans)?;
        return Ok(logarithms.into_iter().map(f64::exp).collect());
    }
    let each: usize = prediction.x().dims()[1..].iter().product();
    let variances = spans.iter().map(|span| span.beta_tilde());
    Ok(variances.flat_map(|variance| std::iter::repeat_n(variance, each)).collect())
}
