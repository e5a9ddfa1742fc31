//! What a study found, in plain sentences.

use super::results::Paired;
use super::{Cure, Entry, Study};
use crate::report::{Scores, numbers};

/// A score with its direction.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) of: fn(&Scores) -> f64,
    less_is_better: bool,
}

/// Every score of a sampler: each has its findings and its words in every table.
pub(super) const MEASURES: [Measure; 2] = [
    Measure { name: "distance", of: |scores| scores.frechet, less_is_better: true },
    Measure { name: "inception score", of: |scores| scores.inception_score, less_is_better: false },
];

/// What the numbers stand on; then a sentence for each row, cure and score over all numbers of steps, whether the
/// search of the cure's constants ended inside its lists, and a sentence for each score of every other row against the
/// baseline.
pub(super) fn findings(study: &Study) -> Vec<String> {
    let mut all: Vec<String> = footing(study).into_iter().collect();
    for (row, label) in &study.rows {
        for cure in &Cure::ALL[1..] {
            let what = format!("{label}: {}", cure.label());
            all.extend(sentences(&what, study, |solver, steps| {
                Some((study.entry(row, solver, steps, *cure)?, study.entry(row, solver, steps, Cure::Plain)?))
            }));
            all.extend(edges(&what, study, row, *cure));
        }
    }
    let Some(((baseline, _), others)) = study.rows.split_first() else { return all };
    for (row, label) in others {
        let what = format!("{label} against the baseline at equal training, plain");
        all.extend(sentences(&what, study, |solver, steps| {
            let plain = |row| study.entry(row, solver, steps, Cure::Plain);
            Some((plain(row)?, plain(baseline)?))
        }));
    }
    all
}

/// Samples, reference images and seeds.
fn footing(study: &Study) -> Option<String> {
    let counts = study.counts?;
    Some(format!(
        "Every score is of {} samples of one seed against {} reference images, every number below a mean over {}.",
        counts.samples,
        counts.reference,
        numbers::count(study.seeds.len(), "seed")
    ))
}

/// One sentence for each score: where one entry of a pair differs from the other.
fn sentences<'a>(
    what: &str,
    study: &'a Study,
    pair: impl Fn(&str, usize) -> Option<(&'a Entry, &'a Entry)>,
) -> Vec<String> {
    let of = |measure: &Measure| {
        let differences = study.settings().into_iter().filter_map(|(solver, steps)| {
            let (one, other) = pair(solver, steps)?;
            Some((format!("{solver} at {steps} steps"), one.minus(other, measure.of)?))
        });
        measure.sentence(what, &differences.collect::<Vec<_>>())
    };
    MEASURES.iter().filter_map(of).collect()
}

/// Where the search of a cure's constants ended at the end of a list.
fn edges(what: &str, study: &Study, row: &str, cure: Cure) -> Option<String> {
    let searches = study.searches.iter().filter(|search| search.row == row && search.cure == cure);
    let at =
        searches.filter_map(|search| Some((format!("{} at {} steps", search.solver, search.steps), search.edge()?)));
    let at: Vec<String> = at.map(|(at, edge)| format!("{at} ({edge})")).collect();
    let list = (!at.is_empty()).then(|| at.join(", "))?;
    Some(format!("{what} was searched to the end of a list for {list}: better constants may lie beyond."))
}

impl Measure {
    /// Whether a difference of this score is an improvement, in words.
    pub(super) fn word(&self, difference: &Paired) -> &'static str {
        match difference.is_clear() {
            None => "one seed",
            Some(false) if difference.mean == 0.0 && difference.error == Some(0.0) => "the same",
            Some(false) => "no clear effect",
            Some(true) if (difference.mean < 0.0) == self.less_is_better => "better",
            Some(true) => "worse",
        }
    }

    fn sentence(&self, what: &str, differences: &[(String, Paired)]) -> Option<String> {
        let group = |wanted: &str| {
            let of_word = differences.iter().filter(|(_, difference)| self.word(difference) == wanted);
            let named = of_word.map(|(at, d)| format!("{at} ({})", numbers::with_spread(d.mean, d.error, 2)));
            let named: Vec<String> = named.collect();
            (!named.is_empty()).then(|| named.join(", "))
        };
        let name = self.name;
        let parts = [
            (format!("improves the {name} for"), group("better")),
            (format!("worsens the {name} for"), group("worse")),
            (format!("has no clear effect on the {name} for"), group("no clear effect")),
            (format!("leaves the {name} as it is for"), group("the same")),
            (format!("was tried with one seed only, so that nothing is known of the {name} for"), group("one seed")),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter_map(|(verb, where_)| Some(format!("{verb} {}", where_?))).collect();
        (!parts.is_empty()).then(|| format!("{what} {}.", parts.join("; ")))
    }
}

/// The difference of a cured entry from the plain one of the same row, solver and steps.
pub(super) fn effect(study: &Study, entry: &Entry, of: fn(&Scores) -> f64) -> Option<Paired> {
    entry.minus(study.entry(&entry.row, &entry.solver, entry.steps, Cure::Plain)?, of)
}

#[cfg(test)]
mod tests {
    use super::super::{Search, Tried, shifts};
    use super::*;
    use crate::report::ImageCounts;

    /// Seeds with these distances and inception scores.
    fn entry(row: &str, cure: Cure, distances: [f64; 3], inceptions: [f64; 3]) -> Entry {
        let scores =
            |(frechet, score): (f64, f64)| Some(Scores { frechet, inception_score: score, inception_score_std: 0.0 });
        let scores = distances.into_iter().zip(inceptions).map(scores).collect();
        Entry { row: row.into(), solver: "ddim".into(), steps: 10, cure, wrappers: vec![], scores, seconds: 1.0 }
    }

    const PLAIN: [f64; 3] = [5.0, 5.1, 5.3];

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
            counts: None,
        }
    }

    #[test]
    fn positive_and_negative_findings_of_every_score_are_said_plainly() {
        let found = findings(&study(vec![
            entry("base", Cure::Plain, [10.0, 20.0, 30.0], PLAIN),
            entry("base", Cure::EpsilonScaling, [8.0, 18.1, 27.9], [4.8, 4.9, 5.11]),
            entry("base", Cure::TimeShift, [12.0, 22.1, 32.0], PLAIN),
            entry("base", Cure::Both, [9.0, 21.5, 29.6], [5.3, 5.41, 5.6]),
            entry("ip", Cure::Plain, [10.5, 19.0, 30.6], [5.2, 5.0, 5.3]),
        ]));
        let expected = [
            "baseline: epsilon scaling improves the distance for ddim at 10 steps (-2.00 ± 0.06).",
            "baseline: epsilon scaling worsens the inception score for ddim at 10 steps (-0.20 ± 3.3e-3).",
            "baseline: time shift worsens the distance for ddim at 10 steps (2.03 ± 0.03).",
            "baseline: time shift leaves the inception score as it is for ddim at 10 steps (0.00 ± 0.00).",
            "baseline: time shift with epsilon scaling has no clear effect on the distance for ddim at 10 steps \
             (0.03 ± 0.75).",
            "baseline: time shift with epsilon scaling improves the inception score for ddim at 10 steps \
             (0.30 ± 3.3e-3).",
            "input perturbation against the baseline at equal training, plain has no clear effect on the distance for \
             ddim at 10 steps (0.03 ± 0.52).",
            "input perturbation against the baseline at equal training, plain has no clear effect on the inception \
             score for ddim at 10 steps (0.03 ± 0.09).",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn one_seed_proves_nothing() {
        let mut entries = vec![
            entry("base", Cure::Plain, [10.0, 20.0, 30.0], PLAIN),
            entry("base", Cure::EpsilonScaling, [1.0, 2.0, 3.0], PLAIN),
        ];
        entries.iter_mut().for_each(|entry| entry.scores.truncate(1));
        assert!(findings(&study(entries)).iter().all(|finding| finding.contains("one seed only")));
    }

    #[test]
    fn the_footing_and_a_search_that_ended_at_the_end_of_a_list_are_said() {
        let mut study = study(vec![]);
        study.counts = Some(ImageCounts { samples: 512, reference: 10_000, held_out: 512 });
        let tried = shifts(&[4, 10, 20], &[50, 100, 150])
            .into_iter()
            .zip(0..)
            .map(|(shift, rank)| Tried { wrappers: vec![shift], distances: vec![Some(f64::from(10 - rank))] });
        let (row, solver) = ("base".to_owned(), "ddim".to_owned());
        study.searches.push(Search { row, solver, steps: 10, cure: Cure::TimeShift, tried: tried.collect() });
        let expected = [
            "Every score is of 512 samples of one seed against 10000 reference images, every number below a mean over \
             3 seeds.",
            "baseline: time shift was searched to the end of a list for ddim at 10 steps (window=20, cutoff=150): \
             better constants may lie beyond.",
        ];
        assert_eq!(findings(&study), expected);
    }
}
