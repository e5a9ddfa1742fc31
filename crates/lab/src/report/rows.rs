//! The rows of a report as a comparison: which scores they have, and what they cost.

use super::data::{FurtherScore, Report, RowResult, Scores, SeedResult};
use undrift_report::{Comparison, Direction, Published, Row, Score, Trial};

/// Which weights were sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weights {
    Averaged,
    Raw,
}

impl Weights {
    /// The averaged weights, or the raw ones where a report knows nothing else.
    pub(super) fn judged(report: &Report) -> Self {
        let mut seeds = report.rows.iter().flat_map(|row| &row.seeds);
        let averaged = seeds.clone().any(|seed| seed.ema.is_some());
        if averaged || !seeds.any(|seed| seed.raw.is_some()) { Self::Averaged } else { Self::Raw }
    }

    pub(super) fn of(self, seed: &SeedResult) -> Option<Scores> {
        match self {
            Self::Averaged => seed.ema,
            Self::Raw => seed.raw,
        }
    }
}

/// A number of a seed, if it has it.
type OfSeed = Box<dyn Fn(&RowResult, &SeedResult, Weights) -> Option<f64>>;

/// The same number of real images.
type OfReal = Box<dyn Fn(&Report) -> Option<f64>>;

/// A number of a seed, what was published of it, and what real images have.
struct Measure {
    score: Score,
    of: OfSeed,
    published: fn(&super::Published) -> Option<Published>,
    reference: OfReal,
}

fn measures(report: &Report) -> Vec<Measure> {
    let named = |score: Score, name: &str| Score { published: Some(name.to_owned()), ..score };
    let none = || Box::new(|_: &Report| None);
    let unpublished = |score, of: fn(&RowResult, &SeedResult, Weights) -> Option<f64>| Measure {
        score,
        of: Box::new(of),
        published: |_| None,
        reference: none(),
    };
    let mut all = vec![
        Measure {
            score: named(Score::new(&report.distance_name, Direction::Lower, 2), "FID"),
            of: Box::new(|_, seed, weights| Some(weights.of(seed)?.frechet)),
            published: |paper| Some(Published { value: paper.fid?, spread: None }),
            reference: Box::new(|report| Some(report.reference?.frechet)),
        },
        Measure {
            score: named(Score::new("inception score", Direction::Higher, 2), "inception score"),
            of: Box::new(|_, seed, weights| Some(weights.of(seed)?.inception_score)),
            published: |paper| Some(Published { value: paper.inception_score?, spread: paper.inception_score_std }),
            reference: Box::new(|report| Some(report.reference?.inception_score)),
        },
        unpublished(Score::new("bits/dim", Direction::Lower, 3), |_, seed, _| Some(seed.bits_per_dim.as_ref()?.total)),
    ];
    all.extend(further(report));
    all.extend([
        unpublished(Score::count("network evaluations per sample"), |row, _, _| Some(row.evaluations? as f64)),
        unpublished(Score::seconds("training"), |_, seed, _| Some(seed.train_seconds)),
        unpublished(Score::seconds("sampling"), |_, seed, _| seed.ema.or(seed.raw).and(Some(seed.sample_seconds))),
    ]);
    all
}

/// The further scores that any row has.
fn further(report: &Report) -> Vec<Measure> {
    let mut known: Vec<&FurtherScore> = Vec::new();
    for score in report.rows.iter().flat_map(|row| &row.seeds).flat_map(|seed| &seed.further) {
        if !known.iter().any(|one| one.name == score.name) {
            known.push(score);
        }
    }
    let value = |all: &[FurtherScore], name: &str| Some(all.iter().find(|score| score.name == name)?.value);
    let measure = |known: &FurtherScore| {
        let direction = if known.higher_is_better { Direction::Higher } else { Direction::Lower };
        let (name, again) = (known.name.clone(), known.name.clone());
        let unit = if known.unit.is_empty() { String::new() } else { format!(", {}", known.unit) };
        Measure {
            score: Score::new(format!("{}{unit}", known.name), direction, 2),
            of: Box::new(move |_, seed, _| value(&seed.further, &name)),
            published: |_| None,
            reference: Box::new(move |report| value(&report.reference_further, &again)),
        }
    };
    known.into_iter().map(measure).collect()
}

/// The rows with those scores that any of them has; with all of them where no row has any.
pub fn comparison(report: &Report) -> Comparison {
    let weights = Weights::judged(report);
    let mut measures = measures(report);
    let measured = |measure: &Measure| {
        let mut seeds = report.rows.iter().flat_map(|row| row.seeds.iter().map(move |seed| (row, seed)));
        seeds.any(|(row, seed)| (measure.of)(row, seed, weights).is_some())
    };
    if measures.iter().any(|measure| measure.score.is_judged() && measured(measure)) {
        measures.retain(measured);
    }
    let trial = |row: &RowResult, seed: &SeedResult| Trial {
        seed: seed.seed,
        values: measures.iter().map(|measure| (measure.of)(row, seed, weights)).collect(),
        failure: seed.failure.clone(),
    };
    let rows = report.rows.iter().map(|row| Row {
        label: row.label.clone(),
        settings: row.settings.clone(),
        trials: row.seeds.iter().map(|seed| trial(row, seed)).collect(),
        published: measures.iter().map(|measure| (measure.published)(&row.published)).collect(),
    });
    let reference: Vec<Option<f64>> = measures.iter().map(|measure| (measure.reference)(report)).collect();
    let known = reference.iter().any(Option::is_some);
    let reference = known.then(|| ("real held-out images".to_owned(), reference));
    let baseline = report.rows.iter().position(|row| Some(&row.id) == report.baseline.as_ref()).unwrap_or(0);
    let rows = rows.collect();
    Comparison { rows, reference, scores: measures.into_iter().map(|measure| measure.score).collect(), baseline }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of};

    #[test]
    fn raw_weights_are_judged_only_where_nothing_else_was_sampled() {
        let mut report = report([1.0; 6]);
        assert_eq!(comparison(&report).rows[0].trials[0].value(0), Some(1.0));
        report.rows.iter_mut().flat_map(|row| &mut row.seeds).for_each(|seed| seed.ema = None);
        assert_eq!(comparison(&report).rows[0].trials[0].value(0), Some(1.25));
    }

    #[test]
    fn the_baseline_is_the_row_of_this_name_or_the_first() {
        let mut report = report([1.0; 6]);
        assert_eq!(comparison(&report).baseline, 0);
        report.baseline = Some("eps-simple".into());
        assert_eq!(comparison(&report).baseline, 5);
    }

    #[test]
    fn what_no_row_has_is_no_column_unless_every_row_failed() {
        let mut report = report([1.0; 6]);
        report.rows.iter_mut().flat_map(|row| &mut row.seeds).for_each(|seed| seed.bits_per_dim = None);
        let names = |report: &Report| comparison(report).scores.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        assert!(!names(&report).contains(&"bits/dim".to_owned()));
        assert_eq!(names(&report_of([0; 6].map(|_| vec![broken(0)]))).len(), 6);
    }

    #[test]
    fn further_scores_are_columns_of_their_own() {
        let mut report = report([1.0; 6]);
        let score = |value| super::FurtherScore {
            name: "nearness".to_owned(),
            value,
            higher_is_better: true,
            unit: "greys".to_owned(),
        };
        report.rows[2].seeds[0].further = vec![score(7.5)];
        report.reference_further = vec![score(9.0)];
        let comparison = comparison(&report);
        let at = comparison.scores.iter().position(|score| score.name.contains("nearness")).unwrap();
        assert!(comparison.scores[at].name.contains("greys"));
        assert_eq!(comparison.rows[2].trials[0].value(at), Some(7.5));
        assert_eq!(comparison.rows[1].trials[0].value(at), None);
        assert_eq!(comparison.reference.unwrap().1[at], Some(9.0));
    }

    #[test]
    fn published_numbers_stand_beside_the_scores_that_they_are_of() {
        let comparison = comparison(&report([1.0; 6]));
        assert_eq!(comparison.rows[0].published(0), Some(Published { value: 23.69, spread: None }));
        assert_eq!(comparison.rows[0].published(1), Some(Published { value: 7.28, spread: Some(0.10) }));
        assert_eq!(comparison.rows[2].published(0), None);
    }
}
