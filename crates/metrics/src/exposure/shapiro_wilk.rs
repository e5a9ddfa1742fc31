//! The test of Shapiro and Wilk for normality.

use super::normal_distribution::{upper_quantile, upper_tail};
use crate::MetricError;

/// What the test of Shapiro and Wilk says about a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShapiroWilk {
    /// The statistic W, in (0, 1]: the squared correlation with expected normal order statistics.
    pub w: f64,
    /// The chance of such a W or a smaller one if the sample is normal, in `[0, 1]`.
    pub p: f64,
}

/// The test of Shapiro and Wilk (1965, doi:10.1093/biomet/52.3-4.591) with the coefficients and significance levels
/// of Royston 1992 (doi:10.1007/BF01891203), as in his algorithm AS R94 (1995, doi:10.2307/2986146).
///
/// For 3 to 5000 values. Below 12 values a W that is too small for the approximation has `p = 0`.
/// Normal quantiles have all their digits here; W agrees with SciPy's to 1e-9.
///
/// # Errors
/// [`MetricError::ShapiroSize`] for another number of values, [`MetricError::NotFinite`] for a value that is no
/// finite number, and [`MetricError::AllEqual`] where nothing varies.
pub fn shapiro_wilk(values: &[f64]) -> Result<ShapiroWilk, MetricError> {
    weights(values.len()).and_then(|weights| of_weights(values, &weights))
}

/// The test with weights that [`weights`] made for this number of values.
pub(super) fn of_weights(values: &[f64], weights: &[f64]) -> Result<ShapiroWilk, MetricError> {
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(MetricError::NotFinite { sample: at as u64, feature: 0, value: values[at] });
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    if sorted[0] == sorted[n - 1] {
        return Err(MetricError::AllEqual { value: sorted[0] });
    }
    let shortfall = shortfall(&sorted, weights);
    Ok(ShapiroWilk { w: 1.0 - shortfall, p: significance(shortfall, n) })
}

/// Weights of the upper half of the order statistics, the largest first; those of the lower half mirror them.
///
/// Expected normal order statistics by Blom's approximation, normalised, with polynomials in `1 / sqrt(n)` that
/// correct the one or two outermost (Royston 1992).
pub(super) fn weights(n: usize) -> Result<Vec<f64>, MetricError> {
    if !(3..=5000).contains(&n) {
        return Err(MetricError::ShapiroSize { count: n });
    }
    if n == 3 {
        return Ok(vec![0.5f64.sqrt()]);
    }
    let order: Vec<f64> = (1..=n / 2).map(|i| upper_quantile((i as f64 - 0.375) / (n as f64 + 0.25))).collect();
    let square = 2.0 * order.iter().map(|m| m * m).sum::<f64>();
    let small = 1.0 / (n as f64).sqrt();
    let corrections: &[[f64; 6]] = if n > 5 { &[OUTERMOST, SECOND] } else { &[OUTERMOST] };
    let outer: Vec<f64> =
        corrections.iter().zip(&order).map(|(c, m)| m / square.sqrt() + polynomial(c, small)).collect();
    let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    let left = square - 2.0 * squares(&order[..outer.len()]);
    let scale = (left / (1.0 - 2.0 * squares(&outer))).sqrt();
    let inner = order[outer.len()..].iter().map(|m| m / scale);
    Ok(outer.iter().copied().chain(inner).collect())
}

/// `1 - W`, without the cancellation of taking it from 1.
fn shortfall(sorted: &[f64], weights: &[f64]) -> f64 {
    let n = sorted.len();
    let mean = sorted.iter().sum::<f64>() / n as f64;
    let spread = sorted.iter().map(|x| (x - mean).powi(2)).sum::<f64>().sqrt();
    let across: f64 = weights.iter().enumerate().map(|(i, a)| a * (sorted[n - 1 - i] - sorted[i])).sum();
    let norm = (2.0 * weights.iter().map(|a| a * a).sum::<f64>()).sqrt();
    let correlation = across / (spread * norm);
    ((1.0 - correlation) * (1.0 + correlation)).max(0.0)
}

/// P of `1 - W`: exact for 3 values, else normal after the transformations of Royston 1992.
fn significance(shortfall: f64, n: usize) -> f64 {
    if n == 3 {
        let least = 0.75f64.sqrt().asin();
        return (6.0 / std::f64::consts::PI * ((1.0 - shortfall).sqrt().asin() - least)).clamp(0.0, 1.0);
    }
    let (y, size) = (shortfall.ln(), n as f64);
    if n > 11 {
        let size = size.ln();
        return upper_tail((y - polynomial(&LARGE_MEAN, size)) / polynomial(&LARGE_LOG_STD, size).exp());
    }
    let limit = polynomial(&SMALL_LIMIT, size);
    if y >= limit {
        return 0.0;
    }
    upper_tail((-(limit - y).ln() - polynomial(&SMALL_MEAN, size)) / polynomial(&SMALL_LOG_STD, size).exp())
}

/// `c[0] + c[1] x + c[2] x^2 + ..`
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

const OUTERMOST: [f64; 6] = [0.0, 0.221157, -0.147981, -2.071190, 4.434685, -2.706056];
const SECOND: [f64; 6] = [0.0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633];
const SMALL_LIMIT: [f64; 2] = [-2.273, 0.459];
const SMALL_MEAN: [f64; 4] = [0.5440, -0.39978, 0.025054, -6.714e-4];
const SMALL_LOG_STD: [f64; 4] = [1.3822, -0.77857, 0.062767, -0.0020322];
const LARGE_MEAN: [f64; 4] = [-1.5861, -0.31082, -0.083751, 0.0038915];
const LARGE_LOG_STD: [f64; 3] = [-0.4803, -0.082676, 0.0030302];

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(count: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..count).map(|i| f(i as f64)).collect()
    }

    /// 1, 2, .. 100 times 37, modulo 101, as shares of 101: uniform, in no order.
    fn shares() -> Vec<f64> {
        (1..=100).map(|i| f64::from(i * 37 % 101) / 101.0).collect()
    }

    /// SciPy 1.17.1, `stats.shapiro`, whose normal quantiles have fewer digits.
    #[test]
    fn w_and_p_are_those_of_scipy() {
        let waves = |x: f64| x.sin() + (2.3 * x).sin() + (5.1 * x).sin();
        for (values, w, p) in [
            (vec![1.0, 2.0, 4.0], 0.9642857142857142, 0.6368868450289689),
            (vec![1.0, 2.0, 4.0, 8.0], 0.9202026788806026, 0.5380837777759025),
            (vec![0.1, -0.3, 0.2, 1.4, 0.9], 0.9450659755334011, 0.701938861873434),
            (vec![1.0, 2.0, 4.0, 8.0, 16.0, 3.0], 0.828496253415074, 0.10437712965136192),
            (spread(12, |x| (x + 1.0) * (x + 1.0)), 0.9162924415139415, 0.25667346795551826),
            (spread(20, f64::sin), 0.9162416605189069, 0.08390059162771037),
            (spread(100, f64::sin), 0.8991749932744573, 1.2932664582441581e-06),
            (spread(100, |x| waves(x) + (7.7 * x).sin()), 0.98963128000495, 0.634842645852264),
            (shares(), 0.9547247449577694, 0.0017217221937625888),
            (shares().iter().map(|u| -u.ln()).collect(), 0.8492512612855059, 1.1128219040749972e-08),
            (spread(5000, waves), 0.9942558306541129, 2.9579888761230696e-13),
        ] {
            let found = shapiro_wilk(&values).unwrap();
            assert!((found.w - w).abs() < 1e-9, "{} values: {found:?} is not {w}", values.len());
            assert!((found.p / p - 1.0).abs() < 3e-6, "{} values: {found:?} is not {p}", values.len());
        }
    }

    /// The weights of eleven men, the example of Shapiro and Wilk 1965 (W 0.79), with ties below.
    #[test]
    fn examples_of_the_papers() {
        let men = [148.0, 154.0, 158.0, 160.0, 161.0, 162.0, 166.0, 170.0, 182.0, 195.0, 236.0];
        let found = shapiro_wilk(&men).unwrap();
        assert!((found.w - 0.7888146948631716).abs() < 1e-9 && (found.p - 0.006703814061898823).abs() < 1e-9);
        let ties = shapiro_wilk(&[1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0, 4.0]).unwrap();
        assert!((ties.w - 0.8737455693628179).abs() < 1e-9 && (ties.p - 0.11051012759439327).abs() < 1e-9);
    }

    #[test]
    fn order_place_and_size_do_not_matter() {
        let values = shares();
        let moved: Vec<f64> = values.iter().rev().map(|x| 8.0 - 4.0 * x).collect();
        let (a, b) = (shapiro_wilk(&values).unwrap(), shapiro_wilk(&moved).unwrap());
        assert!((a.w - b.w).abs() < 1e-13 && (a.p - b.p).abs() < 1e-12, "{a:?} {b:?}");
    }

    #[test]
    fn extremes_are_sure() {
        let mut outlier = vec![0.0; 10];
        outlier[3] = 1.0;
        assert!(shapiro_wilk(&outlier).unwrap().p < 1e-6);
        let quantiles: Vec<f64> = (1..=50).map(|i| upper_quantile((f64::from(i) - 0.5) / 100.0)).collect();
        let both: Vec<f64> = quantiles.iter().flat_map(|z| [-z, *z]).collect();
        let normal = shapiro_wilk(&both).unwrap();
        assert!((normal.w - 0.9995629225162563).abs() < 1e-9 && normal.p > 0.999999, "{normal:?}");
    }

    #[test]
    fn samples_that_cannot_be_tested_are_errors() {
        for count in [0, 2, 5001] {
            let error = shapiro_wilk(&spread(count, |x| x)).unwrap_err();
            assert!(matches!(error, MetricError::ShapiroSize { count: found } if found == count), "{error}");
        }
        assert!(matches!(shapiro_wilk(&[0.5; 4]), Err(MetricError::AllEqual { value: 0.5 })));
        let error = shapiro_wilk(&[0.0, f64::INFINITY, 1.0]).unwrap_err();
        assert!(matches!(error, MetricError::NotFinite { sample: 1, .. }), "{error}");
    }
}
