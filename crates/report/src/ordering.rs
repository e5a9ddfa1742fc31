//! Whether rows are ordered as was published, pair by pair.

use super::comparison::{Comparison, Row};
use super::mean::Mean;

/// Two rows of which the first was published as the better one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) better: &'a Row,
    pub(crate) worse: &'a Row,
    /// How much worse the second one is here, seed by seed, turned so that a positive number is as published; none
    /// where they share no usable seed.
    pub(crate) difference: Option<Mean>,
    /// Whether the published numbers are within a twentieth of each other.
    pub(crate) is_close: bool,
}

impl Pair<'_> {
    /// Whether the same row is better here; none where there is nothing to compare.
    pub(crate) fn agrees(&self) -> Option<bool> {
        self.difference.map(|difference| difference.value > 0.0)
    }

    /// Whether the difference is clear, whichever way it goes.
    pub(crate) fn is_clear(&self) -> Option<bool> {
        self.difference?.is_clear()
    }
}

/// The rows with a published number of a score, best first by it.
pub(crate) fn as_published(comparison: &Comparison, score: usize) -> Vec<(&Row, f64)> {
    let turned = |row: &Row| Some(comparison.scores[score].turned(row.published(score)?.value));
    let mut rows: Vec<(&Row, f64)> = comparison.rows.iter().filter_map(|row| Some((row, turned(row)?))).collect();
    rows.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    rows
}

/// All pairs of rows whose published numbers differ.
pub(crate) fn pairs(comparison: &Comparison, score: usize) -> Vec<Pair<'_>> {
    let rows = as_published(comparison, score);
    let mut all = Vec::new();
    for (place, &(better, one)) in rows.iter().enumerate() {
        for &(worse, other) in rows[place + 1..].iter().filter(|(_, other)| *other != one) {
            let difference = worse
                .minus(better, score)
                .map(|mean| Mean { value: comparison.scores[score].turned(mean.value), ..mean });
            all.push(Pair { better, worse, difference, is_close: (other - one).abs() < 0.05 * one.abs() });
        }
    }
    all
}

/// How many pairs agree, how many of these clearly, and how many could be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) agreeing: usize,
    /// None where no pair has more than one seed.
    pub(crate) clearly: Option<usize>,
    pub(crate) compared: usize,
    pub(crate) all: usize,
}

impl Tally {
    pub(crate) fn of(pairs: &[Pair<'_>]) -> Self {
        let agreeing = pairs.iter().filter(|pair| pair.agrees() == Some(true));
        let clearly = agreeing.clone().filter(|pair| pair.is_clear() == Some(true)).count();
        Tally {
            agreeing: agreeing.count(),
            clearly: pairs.iter().any(|pair| pair.is_clear().is_some()).then_some(clearly),
            compared: pairs.iter().filter(|pair| pair.agrees().is_some()).count(),
            all: pairs.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{broken, comparison, single, trial};

    fn agreeing(errors: [f64; 4]) -> usize {
        Tally::of(&pairs(&single(errors), 0)).agreeing
    }

    #[test]
    fn three_published_rows_make_three_pairs() {
        assert_eq!(agreeing([142.0, 110.0, 1.0, 30.0]), 3);
        assert_eq!(agreeing([110.0, 142.0, 1.0, 30.0]), 2);
        assert_eq!(agreeing([30.0, 110.0, 1.0, 142.0]), 0);
    }

    #[test]
    fn a_score_of_which_more_is_better_is_turned() {
        let comparison = single([142.0, 110.0, 1.0, 30.0]);
        let order =
            |score| as_published(&comparison, score).iter().map(|(row, _)| row.label.clone()).collect::<Vec<_>>();
        assert_eq!(
            (order(0), order(1)),
            (vec!["d".into(), "b".into(), "a".into()], vec!["d".into(), "b".into(), "a".into()])
        );
        assert_eq!(Tally::of(&pairs(&comparison, 1)).agreeing, 3);
    }

    #[test]
    fn a_tie_is_no_agreement() {
        assert_eq!(agreeing([110.0, 110.0, 1.0, 30.0]), 2);
    }

    #[test]
    fn a_pair_is_compared_over_the_seeds_that_both_have() {
        let rows =
            [vec![trial(0, 30.0), trial(1, 60.0)], vec![trial(0, 20.0), trial(1, 50.1)], vec![], vec![broken(0)]];
        let comparison = comparison(rows);
        let pairs = pairs(&comparison, 0);
        let tally = Tally::of(&pairs);
        assert_eq!(tally, Tally { agreeing: 1, clearly: Some(1), compared: 1, all: 3 });
        let known = pairs.iter().find_map(|pair| pair.difference).unwrap();
        assert!((known.value - 9.95).abs() < 1e-12 && (known.error.unwrap() - 0.05).abs() < 1e-12);
    }
}
