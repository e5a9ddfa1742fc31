//! What a study found: its comparisons, and what they come to, in plain sentences.

use super::{Cure, Entry, Study};
use crate::report::Scores;
use undrift_report::{Direction, Mean, Score, Verdict, numbers};

/// A score of a sampler.
pub(super) struct Measure {
    pub(super) score: Score,
    pub(super) of: fn(&Scores) -> f64,
}

/// Every score of a sampler: each has its findings and its words in every table.
pub(super) fn measures() -> [Measure; 2] {
    [
        Measure { score: Score::new("distance", Direction::Lower, 2), of: |scores| scores.frechet },
        Measure { score: Score::new("inception score", Direction::Higher, 2), of: |scores| scores.inception_score },
    ]
}

/// Two samplers of a study, at the same solver and steps.
pub(super) struct Pair<'a> {
    pub(super) one: &'a Entry,
    pub(super) other: &'a Entry,
}

impl Pair<'_> {
    /// Solver and steps.
    pub(super) fn at(&self) -> String {
        format!("{} at {} steps", self.one.solver, self.one.steps)
    }

    pub(super) fn difference(&self, measure: &Measure) -> Option<Mean> {
        self.one.minus(self.other, measure.of)
    }
}

/// Every cured entry beside the plain one of the same row.
pub(super) fn cured(study: &Study) -> Vec<Pair<'_>> {
    let plain = |entry: &Entry| study.entry(&entry.row, &entry.solver, entry.steps, Cure::Plain);
    let cured = study.entries.iter().filter(|entry| entry.cure != Cure::Plain);
    cured.filter_map(|one| Some(Pair { one, other: plain(one)? })).collect()
}

/// Every plain entry of another row beside that of the first.
pub(super) fn trained(study: &Study) -> Vec<Pair<'_>> {
    let Some(((baseline, _), others)) = study.rows.split_first() else { return vec![] };
    let of_row = |row: &'_ str| -> Vec<Pair<'_>> {
        let at = |(solver, steps)| {
            let plain = |row| study.entry(row, solver, steps, Cure::Plain);
            Some(Pair { one: plain(row)?, other: plain(baseline)? })
        };
        study.settings().into_iter().filter_map(at).collect()
    };
    others.iter().flat_map(|(row, _)| of_row(row)).collect()
}

/// One sentence for the cures, one for the training, one for what limits both.
pub(super) fn verdict(study: &Study) -> Verdict {
    let sentences = [
        counted(&cured(study), "cures against plain sampling"),
        counted(&trained(study), "rows against the baseline at equal training"),
        limits(study),
    ];
    Verdict { agreement: None, sentences: sentences.into_iter().flatten().collect() }
}

/// How many comparisons are clearly better and worse by each score.
fn counted(pairs: &[Pair<'_>], what: &str) -> Option<String> {
    let by = |measure: &Measure| {
        let differences = pairs.iter().filter_map(|pair| pair.difference(measure));
        let words: Vec<&str> = differences.map(|difference| measure.score.word(&difference)).collect();
        let count = |word| words.iter().filter(|one| **one == word).count();
        let known = words.len() - count("one seed");
        let counts = format!("{} better, {} worse", count("better"), count("worse"));
        (known > 0).then(|| format!("by {} {counts}", measure.score.name))
    };
    let scores: Vec<String> = measures().iter().filter_map(by).collect();
    (!scores.is_empty())
        .then(|| format!("Of {} of {what}, clearly {}.", numbers::count(pairs.len(), "comparison"), scores.join("; ")))
}

fn limits(study: &Study) -> Option<String> {
    let failed = study.failures.len();
    let edges = study.searches.iter().filter(|search| search.edge().is_some()).count();
    let parts = [
        (study.seeds.len() == 1).then(|| "with one seed no difference can be told from chance".to_owned()),
        (failed > 0).then(|| format!("{} without scores", numbers::count(failed, "sampler or seed"))),
        (edges > 0).then(|| {
            format!(
                "{edges} of {} of constants ended at the end of a list, beyond which better ones may lie",
                numbers::count(study.searches.len(), "search").replace("searchs", "searches")
            )
        }),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str() + ".")
}

/// What the numbers stand on; then a sentence for each row, cure and score over all numbers of steps, whether the
/// search of the cure's constants ended inside its lists, and a sentence for each score of every other row against the
/// baseline.
pub(super) fn findings(study: &Study) -> Vec<String> {
    let mut all: Vec<String> = footing(study).into_iter().collect();
    let (cured, trained) = (cured(study), trained(study));
    for (row, label) in &study.rows {
        for cure in &Cure::ALL[1..] {
            let what = format!("{label}: {}", cure.label());
            let of_this = |pair: &&Pair<'_>| pair.one.row == *row && pair.one.cure == *cure;
            all.extend(sentences(&what, cured.iter().filter(of_this)));
            all.extend(edges(&what, study, row, *cure));
        }
    }
    for (row, label) in study.rows.iter().skip(1) {
        let what = format!("{label} against the baseline at equal training, plain");
        all.extend(sentences(&what, trained.iter().filter(|pair| pair.one.row == *row)));
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
fn sentences<'a>(what: &str, pairs: impl Iterator<Item = &'a Pair<'a>> + Clone) -> Vec<String> {
    let of = |measure: &Measure| {
        let differences = pairs.clone().filter_map(|pair| Some((pair.at(), pair.difference(measure)?)));
        sentence(what, &measure.score, &differences.collect::<Vec<_>>())
    };
    measures().iter().filter_map(of).collect()
}

fn sentence(what: &str, score: &Score, differences: &[(String, Mean)]) -> Option<String> {
    let group = |wanted: &str| {
        let of_word = differences.iter().filter(|(_, difference)| score.word(difference) == wanted);
        let named = of_word.map(|(at, d)| format!("{at} ({})", numbers::with_spread(d.value, d.error, 2)));
        let named: Vec<String> = named.collect();
        (!named.is_empty()).then(|| named.join(", "))
    };
    let name = &score.name;
    let parts = [
        (format!("improves the {name} for"), group("better")),
        (format!("worsens the {name} for"), group("worse")),
        (format!("has no clear effect on the {name} for"), group("not clear")),
        (format!("leaves the {name} as it is for"), group("the same")),
        (format!("was tried with one seed only, so that nothing is known of the {name} for"), group("one seed")),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(verb, where_)| Some(format!("{verb} {}", where_?))).collect();
    (!parts.is_empty()).then(|| format!("{what} {}.", parts.join("; ")))
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
