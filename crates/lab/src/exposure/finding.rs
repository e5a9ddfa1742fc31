//! What a study found, in plain sentences.

use super::results::Paired;
use super::{Cure, Entry, Study};
use crate::report::{Scores, numbers};

/// One sentence for each cure and solver over all numbers of steps, and one for each trained row against the baseline.
pub(super) fn findings(study: &Study) -> Vec<String> {
    let mut all = Vec::new();
    for (row, label) in &study.rows {
        for cure in &Cure::ALL[1..] {
            let of_cure = study.settings().into_iter().filter_map(|(solver, steps)| {
                let (plain, cured) =
                    (study.entry(row, solver, steps, Cure::Plain)?, study.entry(row, solver, steps, *cure)?);
                Some((format!("{solver} at {steps} steps"), cured.minus(plain, distance)?))
            });
            all.extend(sentence(&format!("{label}: {}", cure.label()), of_cure.collect()));
        }
    }
    let Some(((baseline, _), others)) = study.rows.split_first() else { return all };
    for (row, label) in others {
        let against = study.settings().into_iter().filter_map(|(solver, steps)| {
            let plain = |row| study.entry(row, solver, steps, Cure::Plain);
            Some((format!("{solver} at {steps} steps"), plain(row)?.minus(plain(baseline)?, distance)?))
        });
        all.extend(sentence(&format!("{label} against the baseline at equal training, plain"), against.collect()));
    }
    all
}

/// The distance, of which less is better.
pub(super) fn distance(scores: &Scores) -> f64 {
    scores.frechet
}

/// The inception score, of which more is better.
pub(super) fn inception(scores: &Scores) -> f64 {
    scores.inception_score
}

/// Whether a difference of distances is an improvement, in words.
pub(super) fn word(difference: &Paired) -> &'static str {
    match difference.is_clear() {
        None => "one seed",
        Some(false) => "no clear effect",
        Some(true) if difference.mean < 0.0 => "better",
        Some(true) => "worse",
    }
}

fn sentence(what: &str, differences: Vec<(String, Paired)>) -> Option<String> {
    if differences.is_empty() {
        return None;
    }
    let group = |wanted: &str| {
        let of_word = differences.iter().filter(|(_, difference)| word(difference) == wanted);
        let named = of_word.map(|(at, d)| format!("{at} ({})", numbers::with_spread(d.mean, d.error, 2)));
        let named: Vec<String> = named.collect();
        (!named.is_empty()).then(|| named.join(", "))
    };
    let parts = [
        ("improves the distance", group("better")),
        ("worsens it", group("worse")),
        ("has no clear effect", group("no clear effect")),
        ("was tried with one seed only, so that nothing is known of its certainty", group("one seed")),
    ];
    let parts = parts.into_iter().filter_map(|(verb, where_)| Some(format!("{verb} for {}", where_?)));
    Some(format!("{what} {}.", parts.collect::<Vec<_>>().join("; ")))
}

/// The difference of a cured entry from the plain one of the same row, solver and steps.
pub(super) fn effect(study: &Study, entry: &Entry, of: fn(&Scores) -> f64) -> Option<Paired> {
    entry.minus(study.entry(&entry.row, &entry.solver, entry.steps, Cure::Plain)?, of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(row: &str, cure: Cure, distances: [f64; 3]) -> Entry {
        let scores = |frechet| Some(Scores { frechet, inception_score: 1.0, inception_score_std: 0.0 });
        let scores = distances.map(scores).to_vec();
        Entry { row: row.into(), solver: "ddim".into(), steps: 10, cure, wrappers: vec![], scores, seconds: 1.0 }
    }

    fn study(entries: Vec<Entry>) -> Study {
        Study {
            title: String::new(),
            distance_name: "FD".into(),
            protocol: vec![],
            rows: vec![("base".into(), "baseline".into()), ("ip".into(), "input perturbation".into())],
            seeds: vec![0, 1, 2],
            failures: vec![],
            entries,
            searches: vec![],
            curves: vec![],
            pictures: vec![],
            chain_lengths: vec![],
            published: vec![],
            reference: None,
        }
    }

    #[test]
    fn positive_and_negative_findings_are_said_plainly() {
        let found = findings(&study(vec![
            entry("base", Cure::Plain, [10.0, 20.0, 30.0]),
            entry("base", Cure::EpsilonScaling, [8.0, 18.1, 27.9]),
            entry("base", Cure::TimeShift, [12.0, 22.1, 32.0]),
            entry("base", Cure::Both, [9.0, 21.5, 29.6]),
            entry("ip", Cure::Plain, [10.5, 19.0, 30.6]),
        ]));
        assert_eq!(found[0], "baseline: epsilon scaling improves the distance for ddim at 10 steps (-2.00 ± 0.06).");
        assert_eq!(found[1], "baseline: time shift worsens it for ddim at 10 steps (2.03 ± 0.03).");
        assert!(found[2].contains("time shift with epsilon scaling has no clear effect for ddim at 10 steps"));
        assert!(
            found[3]
                .starts_with("input perturbation against the baseline at equal training, plain has no clear effect")
        );
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn one_seed_proves_nothing() {
        let mut entries =
            vec![entry("base", Cure::Plain, [10.0, 20.0, 30.0]), entry("base", Cure::EpsilonScaling, [1.0, 2.0, 3.0])];
        entries.iter_mut().for_each(|entry| entry.scores.truncate(1));
        assert!(findings(&study(entries))[0].contains("one seed only"));
    }
}
