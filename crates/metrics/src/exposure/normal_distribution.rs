//! The tail of the standard normal distribution, and its inverse.

use std::f64::consts::PI;

/// `P(Z > z)` of a standard normal, with a relative error near 1e-15.
///
/// Near 0 by the series of Kendall and Stuart (Abramowitz and Stegun 1964, 26.2.11), in the tail by the continued
/// fraction of 26.2.14.
pub(crate) fn upper_tail(z: f64) -> f64 {
    match z.abs() {
        size if size < 3.0 => 0.5 - central(z),
        _ if z < 0.0 => 1.0 - upper_tail(-z),
        _ => density(z) * fraction(z),
    }
}

/// The `z` with `P(Z > z) = p`, for `0 < p <= 1/2`, to about 1e-14 of its size.
///
/// Halley's method on [`upper_tail`], which three digits (26.2.23) start.
pub(crate) fn upper_quantile(p: f64) -> f64 {
    let t = (-2.0 * p.ln()).sqrt();
    let start = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    (0..3).fold(start, |z, _| {
        let newton = (upper_tail(z) - p) / density(z);
        z + newton / (1.0 + 0.5 * z * newton)
    })
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// `P(0 < Z < z)`: the density times `z + z^3 / 3 + z^5 / 15 + ..`.
fn central(z: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term.abs() > f64::EPSILON * 1e-2 * sum.abs() {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    density(z) * sum
}

/// `1 / (z + 1 / (z + 2 / (z + 3 / ..)))`, deep enough for `z >= 3`.
fn fraction(z: f64) -> f64 {
    1.0 / (1..=100).rev().fold(z, |below, k| z + f64::from(k) / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17.1, `stats.norm.sf`.
    #[test]
    fn tails_are_those_of_scipy() {
        for (z, tail) in [
            (0.0, 0.5),
            (0.1, 0.460172162722971),
            (1.0, 0.15865525393145707),
            (2.0, 0.022750131948179195),
            (3.0, 0.0013498980316300933),
            (5.0, 2.866515718791933e-07),
            (8.0, 6.22096057427174e-16),
            (12.0, 1.776482112077653e-33),
            (-1.5, 0.9331927987311419),
        ] {
            assert!((upper_tail(z) / tail - 1.0).abs() < 3e-14, "{z}: {} is not {tail}", upper_tail(z));
        }
        assert_eq!((upper_tail(40.0), upper_tail(-40.0)), (0.0, 1.0));
    }

    /// SciPy 1.17.1, `-stats.norm.ppf`.
    #[test]
    fn quantiles_are_those_of_scipy() {
        for (p, z) in [
            (1e-10, 6.361340902404056),
            (1e-4, 3.7190164854556804),
            (0.01, 2.3263478740408408),
            (0.2, 0.8416212335729142),
            (0.4999, 0.0002506628300880075),
        ] {
            assert!((upper_quantile(p) - z).abs() < 1e-14 * (1.0 + z), "{p}: {} is not {z}", upper_quantile(p));
        }
        assert!(upper_quantile(0.5).abs() < 1e-16);
    }
}
