//! Mean and standard error over seeds.

use super::data::SeedResult;

/// The mean over those seeds that have a finite value and did not fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    /// The mean.
    pub(crate) value: f64,
    /// Standard error of the mean (n - 1 under the root); none with one seed.
    pub(crate) error: Option<f64>,
    /// Seeds that the mean stands on.
    pub(crate) used: usize,
    /// Seeds that were run.
    pub(crate) of: usize,
}

impl Mean {
    /// The mean of a measure over seeds; none where no seed has it.
    pub(crate) fn over(seeds: &[SeedResult], measure: impl Fn(&SeedResult) -> Option<f64>) -> Option<Self> {
        let sound = seeds.iter().filter(|seed| seed.failure.is_none());
        let values: Vec<f64> = sound.filter_map(measure).filter(|value| value.is_finite()).collect();
        (!values.is_empty()).then(|| Self::of_values(&values, seeds.len()))
    }

    fn of_values(values: &[f64], of: usize) -> Self {
        let used = values.len();
        let value = values.iter().sum::<f64>() / used as f64;
        let squares: f64 = values.iter().map(|one| (one - value).powi(2)).sum();
        let error = (used > 1).then(|| (squares / (used - 1) as f64 / used as f64).sqrt());
        Self { value, error, used, of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::seed;

    #[test]
    fn the_error_divides_by_n_minus_one_and_by_n() {
        let seeds = [seed(0, 1.0), seed(1, 2.0), seed(2, 6.0)];
        let mean = Mean::over(&seeds, |seed| Some(seed.ema?.frechet)).unwrap();
        assert_eq!(mean.value, 3.0);
        assert!((mean.error.unwrap() - (14.0_f64 / 2.0 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!((mean.used, mean.of), (3, 3));
    }

    #[test]
    fn failed_and_unfinished_seeds_are_counted_out() {
        let mut seeds = [seed(0, 1.0), seed(1, f64::NAN), seed(2, 6.0)];
        seeds[2].failure = Some("loss is NaN at step 3".into());
        let mean = Mean::over(&seeds, |seed| Some(seed.ema?.frechet)).unwrap();
        assert_eq!(mean, Mean { value: 1.0, error: None, used: 1, of: 3 });
    }

    #[test]
    fn nothing_measured_has_no_mean() {
        assert_eq!(Mean::over(&[seed(0, 1.0)], |_| None), None);
    }
}
