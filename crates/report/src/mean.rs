//! Mean and standard error over seeds, and whether a mean is told from 0.

/// The mean over those seeds that have a finite value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Standard error of the mean (n - 1 under the root); none with one seed.
    pub error: Option<f64>,
    /// Seeds that the mean stands on.
    pub used: usize,
    /// Seeds that there are.
    pub of: usize,
}

/// Two-sided 5 % points of Student's t distribution with 1, 2, .. degrees of freedom; further on 2 is wide enough.
const STUDENT: [f64; 20] = [
    12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086,
];

impl Mean {
    /// The mean over seeds; none where no seed has a finite value.
    pub fn over(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let all: Vec<Option<f64>> = values.into_iter().collect();
        let finite: Vec<f64> = all.iter().copied().flatten().filter(|value| value.is_finite()).collect();
        (!finite.is_empty()).then(|| Self::of_values(&finite, all.len()))
    }

    /// The mean of the differences `one - other`, seed by seed; a seed that lacks either is counted out.
    pub fn paired(pairs: impl IntoIterator<Item = (Option<f64>, Option<f64>)>) -> Option<Self> {
        Self::over(pairs.into_iter().map(|(one, other)| Some(one? - other?)))
    }

    fn of_values(values: &[f64], of: usize) -> Self {
        let used = values.len();
        let value = values.iter().sum::<f64>() / used as f64;
        let squares: f64 = values.iter().map(|one| (one - value).powi(2)).sum();
        let error = (used > 1).then(|| (squares / (used - 1) as f64 / used as f64).sqrt());
        Self { value, error, used, of }
    }

    /// Whether the mean is further from 0 than chance puts it in one of twenty cases (Student's t test, two-sided);
    /// not known with one seed.
    pub fn is_clear(&self) -> Option<bool> {
        let needed = STUDENT.get(self.used.wrapping_sub(2)).copied().unwrap_or(2.0);
        self.error.map(|error| self.value.abs() > needed * error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_divides_by_n_minus_one_and_by_n() {
        let mean = Mean::over([1.0, 2.0, 6.0].map(Some)).unwrap();
        assert_eq!(mean.value, 3.0);
        assert!((mean.error.unwrap() - (14.0_f64 / 2.0 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!((mean.used, mean.of), (3, 3));
    }

    #[test]
    fn what_is_missing_or_no_number_is_counted_out() {
        let mean = Mean::over([Some(1.0), Some(f64::NAN), None]).unwrap();
        assert_eq!(mean, Mean { value: 1.0, error: None, used: 1, of: 3 });
        assert_eq!(Mean::over([None]), None);
        assert_eq!(Mean::over([]), None);
    }

    #[test]
    fn differences_are_taken_seed_by_seed() {
        let a = [10.0, 20.0, 30.0];
        let minus = |b: [f64; 3]| Mean::paired(b.into_iter().zip(a).map(|(b, a)| (Some(b), Some(a)))).unwrap();
        let paired = minus([9.0, 18.0, 27.0]);
        assert_eq!((paired.value, paired.used), (-2.0, 3));
        assert!((paired.error.unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(paired.is_clear(), Some(false), "3.5 standard errors of three seeds may be chance");
        assert_eq!(minus([8.0, 17.9, 28.2]).is_clear(), Some(true), "unpaired, seeds would hide it");
    }

    #[test]
    fn seeds_that_lack_either_are_left_out_of_both() {
        let paired = Mean::paired([(Some(9.0), Some(10.0)), (None, Some(1.0)), (Some(1.0), None)]).unwrap();
        assert_eq!(paired, Mean { value: -1.0, error: None, used: 1, of: 3 });
        assert_eq!(paired.is_clear(), None);
    }
}
