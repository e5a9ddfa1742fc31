//! Medians, and ratios of what was measured side by side.

/// A ratio of two timings over all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Median over rounds.
    pub(crate) median: f64,
    /// Least of all rounds.
    pub(crate) least: f64,
    /// Most of all rounds.
    pub(crate) most: f64,
}

/// Median; the mean of the middle two for an even count, NaN for none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// Median of all steps of all rounds.
pub(crate) fn overall_median(rounds: &[Vec<f64>]) -> f64 {
    median(&rounds.concat())
}

/// Our time over theirs, round by round, each round counted as the median of its steps.
pub(crate) fn paired_ratio(ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> Ratio {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| median(ours) / median(theirs)).collect();
    Ratio {
        median: median(&ratios),
        least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
        most: ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}

/// Difference of two numbers as a share of the larger.
pub(crate) fn relative_difference(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / a.abs().max(b.abs()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_in_any_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(overall_median(&[vec![5.0, 1.0], vec![3.0]]), 3.0);
    }

    #[test]
    fn ratios_pair_the_visits_of_a_round() {
        // The second round ran at half speed for both: paired, it tells the same as the first.
        let ours = [vec![1.0, 9.0, 1.0], vec![2.0; 3], vec![1.5; 3]];
        let theirs = [vec![2.0; 3], vec![4.0; 3], vec![2.0; 3]];
        assert_eq!(paired_ratio(&ours, &theirs), Ratio { median: 0.5, least: 0.5, most: 0.75 });
    }

    #[test]
    fn differences_are_relative_to_the_larger() {
        assert_eq!(relative_difference(2.0, 1.0), 0.5);
        assert_eq!(relative_difference(-1.0, -2.0), 0.5);
        assert_eq!(relative_difference(0.0, 0.0), 0.0);
        assert!(relative_difference(f64::NAN, 1.0).is_nan());
    }
}
