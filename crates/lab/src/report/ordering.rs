//! Whether two lists of scores order the rows alike, pair by pair.

use super::data::{Report, RowResult, Scores, SeedResult};
use super::mean::Mean;

/// Which weights were sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    Averaged,
    Raw,
}

impl Weights {
    /// The averaged weights, or the raw ones where a report knows nothing else.
    pub(crate) fn judged(report: &Report) -> Self {
        let mut seeds = report.rows.iter().flat_map(|row| &row.seeds);
        let averaged = seeds.clone().any(|seed| seed.ema.is_some());
        if averaged || !seeds.any(|seed| seed.raw.is_some()) { Self::Averaged } else { Self::Raw }
    }

    pub(crate) fn of(self, seed: &SeedResult) -> Option<Scores> {
        match self {
            Self::Averaged => seed.ema,
            Self::Raw => seed.raw,
        }
    }
}

/// One row that the paper gives a number for: that number, where a smaller one is better, and ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranked<'a> {
    pub(crate) row: &'a RowResult,
    pub(crate) published: f64,
    pub(crate) ours: Option<Mean>,
}

/// The rows with a published distance, best first.
pub(crate) fn by_distance(report: &Report, weights: Weights) -> Vec<Ranked<'_>> {
    let distance = |seed: &SeedResult| Some(weights.of(seed)?.frechet);
    ranked(report, |row| row.published.fid, distance)
}

/// The rows with a published inception score, best first; signs are turned, so that a smaller
/// number is better.
pub(crate) fn by_inception_score(report: &Report, weights: Weights) -> Vec<Ranked<'_>> {
    let score = |seed: &SeedResult| Some(-weights.of(seed)?.inception_score);
    ranked(report, |row| row.published.inception_score.map(|score| -score), score)
}

fn ranked(
    report: &Report,
    published: impl Fn(&RowResult) -> Option<f64>,
    ours: impl Fn(&SeedResult) -> Option<f64>,
) -> Vec<Ranked<'_>> {
    let rank = |row| Some(Ranked { row, published: published(row)?, ours: Mean::over(&row.seeds, &ours) });
    let mut rows: Vec<Ranked<'_>> = report.rows.iter().filter_map(rank).collect();
    rows.sort_by(|one, other| one.published.total_cmp(&other.published));
    rows
}

/// Two rows of which the paper finds the first the better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) better: Ranked<'a>,
    pub(crate) worse: Ranked<'a>,
}

/// All pairs of rows whose published numbers differ.
pub(crate) fn pairs<'a>(rows: &[Ranked<'a>]) -> Vec<Pair<'a>> {
    let of = |first: usize| rows[first + 1..].iter().map(move |&worse| Pair { better: rows[first], worse });
    (0..rows.len()).flat_map(of).filter(|pair| pair.better.published != pair.worse.published).collect()
}

impl Pair<'_> {
    /// How much worse the paper's worse row is here; negative where we contradict the paper; none
    /// where a row has no usable number.
    pub(crate) fn difference(&self) -> Option<f64> {
        Some(self.worse.ours?.value - self.better.ours?.value)
    }

    /// Standard error of the difference; none unless both rows have several usable seeds.
    pub(crate) fn error(&self) -> Option<f64> {
        Some(self.worse.ours?.error?.hypot(self.better.ours?.error?))
    }

    /// Whether we find the same row better; none where there is nothing to compare.
    pub(crate) fn agrees(&self) -> Option<bool> {
        self.difference().map(|difference| difference > 0.0)
    }

    /// Whether the difference, of whichever sign, exceeds two standard errors; none without them.
    pub(crate) fn is_clear(&self) -> Option<bool> {
        Some(self.difference()?.abs() > 2.0 * self.error()?)
    }

    /// Whether the published numbers are within a twentieth of each other.
    pub(crate) fn is_close_in_the_paper(&self) -> bool {
        let gap = (self.worse.published - self.better.published).abs();
        gap < 0.05 * self.better.published.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of, seed};

    fn agreeing(distances: [f64; 6]) -> usize {
        let report = report(distances);
        let rows = by_distance(&report, Weights::Averaged);
        pairs(&rows).iter().filter(|pair| pair.agrees() == Some(true)).count()
    }

    #[test]
    fn four_published_rows_make_six_pairs() {
        assert_eq!(agreeing([142.0, 110.0, 1.0, 1.0, 115.0, 30.0]), 6);
        assert_eq!(agreeing([142.0, 115.0, 1.0, 1.0, 110.0, 30.0]), 5);
        assert_eq!(agreeing([30.0, 115.0, 1.0, 1.0, 110.0, 142.0]), 0);
    }

    #[test]
    fn rows_come_in_the_papers_order_by_either_score() {
        let report = report([1.0; 6]);
        let order = ["eps-simple", "mu-bound-fixed", "eps-bound-fixed", "mu-bound-learned"];
        let ids = |rows: Vec<Ranked<'_>>| rows.iter().map(|one| one.row.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(by_distance(&report, Weights::Averaged)), order);
        assert_eq!(ids(by_inception_score(&report, Weights::Averaged)), order);
    }

    #[test]
    fn a_tie_is_no_agreement() {
        assert_eq!(agreeing([142.0, 110.0, 1.0, 1.0, 110.0, 30.0]), 5);
    }

    #[test]
    fn errors_combine_as_of_independent_rows() {
        let two = |low: f64, high: f64| vec![seed(0, low), seed(1, high)];
        let report = report_of([two(139.0, 145.0), vec![broken(0)], vec![], vec![], vec![], two(26.0, 34.0)]);
        let rows = by_distance(&report, Weights::Averaged);
        let pair = Pair { better: rows[0], worse: rows[3] };
        assert_eq!(pair.difference(), Some(112.0));
        assert!((pair.error().unwrap() - 5.0).abs() < 1e-12);
        assert_eq!(pair.is_clear(), Some(true));
        assert_eq!(Pair { better: rows[0], worse: rows[1] }.agrees(), None);
    }

    #[test]
    fn raw_weights_are_judged_only_where_nothing_else_was_sampled() {
        let mut report = report([1.0; 6]);
        assert_eq!(Weights::judged(&report), Weights::Averaged);
        report.rows.iter_mut().flat_map(|row| &mut row.seeds).for_each(|seed| seed.ema = None);
        assert_eq!(Weights::judged(&report), Weights::Raw);
    }
}
