//! The rows of a report as a comparison: which scores they have, and what they cost.

use super::data::{Report, RowResult, Scores, SeedResult};
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

/// A number of a seed, what was published of it, and what real images have.
struct Measure {
    score: Score,
    of: fn(&RowResult, &SeedResult, Weights) -> Option<f64>,
    published: fn(&super::Published) -> Option<Published>,
    reference: fn(&Scores) -> Option<f64>,
}

fn measures(report: &Report) -> Vec<Measure> {
    let named = |score: Score, name: &str| Score { published: Some(name.to_owned()), ..score };
    let unpublished = |score, of| Measure { score, of, published: |_| None, reference: |_| None };
    vec![
        Measure {
            score: named(Score::new(&report.distance_name, Direction::Lower, 2), "FID"),
            of: |_, seed, weights| Some(weights.of(seed)?.frechet),
            published: |paper| Some(Published { value: paper.fid?, spread: None }),
            reference: |scores| Some(scores.frechet),
        },
        Measure {
            score: named(Score::new("inception score", Direction::Higher, 2), "inception score"),
            of: |_, seed, weights| Some(weights.of(seed)?.inception_score),
            published: |paper| Some(Published { value: paper.inception_score?, spread: paper.inception_score_std }),
            reference: |scores| Some(scores.inception_score),
        },
        unpublished(Score::new("bits/dim", Direction::Lower, 3), |_, seed, _| Some(seed.bits_per_dim.as_ref()?.total)),
        unpublished(Score::new("network evaluations per sample", Direction::Neither, 0), |row, _, _| {
            Some(row.evaluations? as f64)
        }),
        unpublished(Score::seconds("training"), |_, seed, _| Some(seed.train_seconds)),
        unpublished(Score::seconds("sampling"), |_, seed, _| seed.ema.or(seed.raw).and(Some(seed.sample_seconds))),
    ]
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
    let reference = report.reference.map(|scores| {
        let values = measures.iter().map(|measure| (measure.reference)(&scores));
        ("real held-out images".to_owned(), values.collect())
    });
    let rows = rows.collect();
    Comparison { rows, reference, scores: measures.into_iter().map(|measure| measure.score).collect(), baseline: 0 }
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
    fn what_no_row_has_is_no_column_unless_every_row_failed() {
        let mut report = report([1.0; 6]);
        report.rows.iter_mut().flat_map(|row| &mut row.seeds).for_each(|seed| seed.bits_per_dim = None);
        let names = |report: &Report| comparison(report).scores.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        assert!(!names(&report).contains(&"bits/dim".to_owned()));
        assert_eq!(names(&report_of([0; 6].map(|_| vec![broken(0)]))).len(), 6);
    }

    #[test]
    fn published_numbers_stand_beside_the_scores_that_they_are_of() {
        let comparison = comparison(&report([1.0; 6]));
        assert_eq!(comparison.rows[0].published(0), Some(Published { value: 23.69, spread: None }));
        assert_eq!(comparison.rows[0].published(1), Some(Published { value: 7.28, spread: Some(0.10) }));
        assert_eq!(comparison.rows[2].published(0), None);
    }
}
