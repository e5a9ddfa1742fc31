//! Golden vectors of losses, second moment.

use undrift_losses::LossSecondMoment;

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tolerances;

const RUN: Arithmetic = Arithmetic::F64;

/// `LossSecondMomentResampler`: its weights along a recorded history of losses, and what it ends with.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    let (kept, uniform) = (root.count("history_per_term")?, root.number("uniform_prob")?);
    let sampler = LossSecondMoment::keeping(root.count("num_timesteps")?, kept, uniform);
    let mut sampler = sampler.map_err(FixtureError::refused)?;
    let snapshots = root.find("snapshots").map(|list| list.members()).unwrap_or_default();
    for (step, update) in root.get("history")?.members().iter().enumerate() {
        record(&mut sampler, update)?;
        for snapshot in &snapshots {
            if snapshot.count("after_step")? == step {
                cases.add(&format!("weights after step {step}"), RUN, weights(&sampler, snapshot));
            }
        }
    }
    at_the_end(&sampler, &root, cases);
    Ok(())
}

/// `[[t, ..], [loss, ..]]`, with `t` from 0.
fn record(sampler: &mut LossSecondMoment, update: &Node<'_>) -> Result<(), FixtureError> {
    let expected = "a list of two lists, steps and their losses";
    let [steps, losses] = &update.members()[..] else {
        return Err(FixtureError::WrongField { field: "history".to_owned(), expected });
    };
    for (t, loss) in steps.members().iter().zip(losses.as_numbers()?) {
        sampler.record(t.as_count()? + 1, loss).map_err(FixtureError::refused)?;
    }
    Ok(())
}

/// The published weights are 1 while the history fills, probabilities from then on.
fn weights(sampler: &LossSecondMoment, snapshot: &Node<'_>) -> Result<Outcome, FixtureError> {
    let published = snapshot.numbers("weights")?;
    if sampler.is_warm() != snapshot.get("warmed_up")?.as_flag()? {
        let reason = format!("ours {} warm here", if sampler.is_warm() { "is" } else { "is not" });
        return Ok(Outcome::Failed { reason });
    }
    let factor = if sampler.is_warm() { 1.0 } else { published.len() as f64 };
    let ours: Vec<f64> = sampler.distribution().probabilities().iter().map(|p| p * factor).collect();
    Ok(compare(&ours, &published, tolerances::loss(RUN)))
}

fn at_the_end(sampler: &LossSecondMoment, root: &Node<'_>, cases: &mut Cases) {
    let distribution = sampler.distribution();
    let all = |field: &str, ours: Vec<f64>, tolerance: Tolerance| Ok(compare(&ours, &root.numbers(field)?, tolerance));
    let probabilities = distribution.probabilities().to_vec();
    let importance = importance(sampler);
    let history = sampler.history().concat();
    cases.add("final_probabilities", RUN, all("final_probabilities", probabilities, tolerances::loss(RUN)));
    cases.add(
        "importance_weight_per_t",
        RUN,
        all("importance_weight_per_t", importance.clone(), tolerances::loss(RUN)),
    );
    cases.add("final_history_table", RUN, all("final_history_table", history, tolerances::loss(RUN)));
    if let Some(sample) = root.find("a_sample") {
        cases.add("a_sample", Arithmetic::F32, drawn(&importance, &sample));
    }
}

/// The weight that comes with each level, drawn with a number from the middle of its interval.
fn importance(sampler: &LossSecondMoment) -> Vec<f64> {
    let distribution = sampler.distribution();
    let mut start = 0.0;
    let middles = distribution.probabilities().iter().map(|p| {
        let middle = start + p / 2.0;
        start += p;
        middle
    });
    middles.map(|middle| distribution.draw(middle).map_or(f64::NAN, |drawn| drawn.weight)).collect()
}

/// Which levels were drawn is another generator's business; their weights are not.
fn drawn(importance: &[f64], sample: &Node<'_>) -> Result<Outcome, FixtureError> {
    let indices = sample.get("indices")?.members();
    let weight = |index: &Node<'_>| Ok(importance.get(index.as_count()?).copied().unwrap_or(f64::NAN));
    let ours = indices.iter().map(weight).collect::<Result<Vec<_>, FixtureError>>()?;
    Ok(compare(&ours, &sample.numbers("weights")?, tolerances::loss(Arithmetic::F32)))
}
