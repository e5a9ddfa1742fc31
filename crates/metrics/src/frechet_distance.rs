//! The Frechet distance of two sets of features, by symmetric eigendecomposition.

use faer::{Mat, Side};

use crate::{GaussianStats, MetricError};

/// The squared Frechet distance of the two normal distributions with these means and covariances.
///
/// `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))` (Dowson & Landau 1982; as a score of generators Heusel
/// et al. 2017, arXiv:1706.08500, eq. 6), in f64. Zero for equal statistics up to rounding, which may
/// leave a negative number of the order of 1e-6 where covariances are singular; it is not hidden. The published
/// numbers called FID are this distance for one extractor, Inception; for any other extractor it is
/// another scale.
///
/// Where the authors' code takes the root of the unsymmetric `S1 S2`, drops imaginary parts and adds
/// 1e-6 to the diagonal when that fails, this adds the roots of the eigenvalues of the symmetric
/// `S1^(1/2) S2 S1^(1/2)`, which are the same numbers, real, and defined for singular covariances too.
/// Eigenvalues below zero can only come from rounding and count as zero. The linear algebra runs on one
/// thread: the result does not depend on the number of cores.
///
/// # Errors
///
/// If the numbers of features differ, either side has fewer than 2 samples, or the features are so
/// extreme that a covariance overflows or has no computable eigenvalues.
pub fn frechet_distance(a: &GaussianStats, b: &GaussianStats) -> Result<f64, MetricError> {
    if a.width() != b.width() {
        return Err(MetricError::Width { expected: a.width(), found: b.width() });
    }
    let (cov_a, cov_b) = (covariance(a)?, covariance(b)?);
    let means: f64 = a.mean()?.iter().zip(b.mean()?).map(|(a, b)| (a - b).powi(2)).sum();
    Ok(means + trace(&cov_a) + trace(&cov_b) - 2.0 * root_trace(&cov_a, &cov_b)?)
}

fn covariance(stats: &GaussianStats) -> Result<Mat<f64>, MetricError> {
    let (width, entries) = (stats.width(), stats.covariance()?);
    match entries.iter().all(|entry| entry.is_finite()) {
        true => Ok(Mat::from_fn(width, width, |i, j| entries[i * width + j])),
        false => Err(MetricError::Overflow { width }),
    }
}

/// `tr (S1 S2)^(1/2)`. With `S1 = U L U^T`, the matrix `(U L^(1/2))^T S2 (U L^(1/2))` is
/// `S1^(1/2) S2 S1^(1/2)` in the basis `U`: the same eigenvalues for one product less.
fn root_trace(a: &Mat<f64>, b: &Mat<f64>) -> Result<f64, MetricError> {
    let width = a.nrows();
    let eigen = a.self_adjoint_eigen(Side::Lower).map_err(|_| MetricError::NoConvergence { width })?;
    let (vectors, values) = (eigen.U(), eigen.S().column_vector());
    let root = Mat::from_fn(width, width, |i, j| vectors[(i, j)] * values[j].max(0.0).sqrt());
    let inner = root.transpose() * b * &root;
    let squares = inner.self_adjoint_eigenvalues(Side::Lower).map_err(|_| MetricError::NoConvergence { width })?;
    Ok(squares.iter().map(|square| square.max(0.0).sqrt()).sum())
}

fn trace(matrix: &Mat<f64>) -> f64 {
    (0..matrix.nrows()).map(|i| matrix[(i, i)]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(rows: &[f64], width: usize) -> GaussianStats {
        let mut stats = GaussianStats::new(width);
        stats.push_rows(rows).unwrap();
        stats
    }

    /// In one dimension it is the squared difference of the means plus that of the standard deviations.
    #[test]
    fn one_dimension_is_the_closed_form() {
        let (a, b) = (stats(&[-1.0, 0.0, 1.0], 1), stats(&[2.0, 5.0, 8.0], 1));
        assert!((frechet_distance(&a, &b).unwrap() - (25.0 + 4.0)).abs() < 1e-12);
    }

    /// Covariances that do not commute, by hand: S1 = diag(4, 1), S2 = [[2, 1], [1, 2]]; for 2x2 matrices
    /// tr sqrt(M) = sqrt(tr M + 2 sqrt(det M)), with tr(S1 S2) = 10 and det(S1 S2) = 12.
    #[test]
    fn covariances_that_do_not_commute() {
        let points = |s: [[f64; 2]; 2]| {
            // Two pairs of opposite points along the Cholesky columns, scaled so that ddof 1 gives s.
            let (l00, l10) = (s[0][0].sqrt(), s[1][0] / s[0][0].sqrt());
            let l11 = (s[1][1] - l10 * l10).sqrt();
            let c = 1.5f64.sqrt();
            stats(&[c * l00, c * l10, -c * l00, -c * l10, 0.0, c * l11, 0.0, -c * l11], 2)
        };
        let (a, b) = (points([[4.0, 0.0], [0.0, 1.0]]), points([[2.0, 1.0], [1.0, 2.0]]));
        let expected = 5.0 + 4.0 - 2.0 * (10.0 + 2.0 * 12f64.sqrt()).sqrt();
        assert!((frechet_distance(&a, &b).unwrap() - expected).abs() < 1e-12);
        assert!((frechet_distance(&b, &a).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn is_zero_for_the_same_statistics_and_for_constants() {
        let a = stats(&[1.0, 2.0, -3.0, 0.5, 0.0, 4.0], 2);
        assert!(frechet_distance(&a, &a).unwrap().abs() < 1e-12);
        let constant = stats(&[0.1, 0.3, 0.1, 0.3], 2);
        assert_eq!(frechet_distance(&constant, &constant).unwrap(), 0.0);
    }

    #[test]
    fn bad_input_is_an_error() {
        let (one, two) = (stats(&[1.0], 1), stats(&[1.0, 2.0], 1));
        let error = frechet_distance(&two, &one).unwrap_err();
        assert!(matches!(error, MetricError::TooFewSamples { count: 1 }), "{error}");
        let error = frechet_distance(&two, &stats(&[1.0, 2.0, 3.0, 4.0], 2)).unwrap_err();
        assert!(matches!(error, MetricError::Width { expected: 1, found: 2 }), "{error}");
        let error = frechet_distance(&two, &stats(&[1e200, -1e200], 1)).unwrap_err();
        assert!(matches!(error, MetricError::Overflow { width: 1 }), "{error}");
    }
}
