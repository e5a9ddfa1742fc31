//! Golden vectors of metrics, inception.

use undrift_metrics::{ClassProbabilities, inception_score};

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::Array;
use crate::tolerances;

/// Inception scores of recorded logits, in splits and in one, shuffled where the permutation is recorded.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    for case in fixture.root().get("cases")?.members() {
        let file = case.text("file")?;
        let rows = probabilities(fixture.beside(file)?.tensors().get("logits")?);
        let splits = case.count("splits")?;
        for (field, published) in case.fields() {
            if published.is_object() {
                one(&format!("{file} {field}"), field, &rows, splits, &case, cases);
            }
        }
    }
    Ok(())
}

fn one(item: &str, field: &str, rows: &[Vec<f64>], splits: usize, case: &Node<'_>, cases: &mut Cases) {
    let compared = |order: Result<Vec<Vec<f64>>, FixtureError>, splits| {
        let published = case.get(field)?;
        let names = ["inception_score_mean", "mean", "inception_score_std", "std_population"];
        let listed = names.iter().filter(|name| published.has(name));
        let numbers = listed.map(|name| published.number(name)).collect::<Result<Vec<_>, _>>()?;
        let tolerance = tolerances::INCEPTION_SCORE;
        Ok(compare(&score(&order?, splits)?, &numbers, tolerance))
    };
    let compared: Result<Outcome, FixtureError> = match field {
        "torch_fidelity_noshuffle" | "own_f64" => compared(Ok(rows.to_vec()), splits),
        "torch_fidelity_1split" => compared(Ok(rows.to_vec()), 1),
        name if name.contains("_shuffle") => compared(shuffled(rows, case), splits),
        _ => Err(FixtureError::NotCovered("splits of a fixed size with a ragged last one".to_owned())),
    };
    cases.add(item, Arithmetic::F64, compared);
    if let Some(published) = case.find(field).and_then(|field| field.find("per_split")) {
        let compared = per_split(rows, splits)
            .and_then(|ours| Ok(compare(&ours, &published.as_numbers()?, tolerances::INCEPTION_SCORE)));
        cases.add(&format!("{item} per_split"), Arithmetic::F64, compared);
    }
}

/// Mean and spread.
fn score(rows: &[Vec<f64>], splits: usize) -> Result<Vec<f64>, FixtureError> {
    let mut kept = ClassProbabilities::new(rows.first().map_or(0, Vec::len));
    for row in rows {
        kept.push_rows(row).map_err(FixtureError::refused)?;
    }
    let score = inception_score(&kept, splits).map_err(FixtureError::refused)?;
    Ok(vec![score.mean, score.std])
}

fn per_split(rows: &[Vec<f64>], splits: usize) -> Result<Vec<f64>, FixtureError> {
    let bound = |k: usize| k * rows.len() / splits.max(1);
    let parts = (0..splits).map(|k| score(&rows[bound(k)..bound(k + 1)], 1));
    parts.map(|score| Ok(score?[0])).collect()
}

fn shuffled(rows: &[Vec<f64>], case: &Node<'_>) -> Result<Vec<Vec<f64>>, FixtureError> {
    let order = case.get("shuffle_permutation")?.members();
    let row = |index: &Node<'_>| {
        let row = rows.get(index.as_count()?).cloned();
        row.ok_or_else(|| FixtureError::WrongField {
            field: "shuffle_permutation".to_owned(),
            expected: "a permutation of the rows",
        })
    };
    order.iter().map(row).collect()
}

fn probabilities(logits: &Array) -> Vec<Vec<f64>> {
    logits.rows().into_iter().map(|row| softmax(&row.values)).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
