//! Golden vectors of metrics, frechet.

use undrift_metrics::{GaussianStats, frechet_distance};

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::Array;
use crate::tolerances;

/// Frechet distances of recorded features; the other scores of the same file are not there yet.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    for (name, set) in fixture.root().get("sets")?.fields() {
        match Pair::read(fixture, name) {
            Ok(pair) => pair.compare_all(name, &set, cases),
            Err(error) => cases.error(name, error),
        }
    }
    Ok(())
}

struct Pair {
    made: GaussianStats,
    real: GaussianStats,
    full_rank: bool,
}

impl Pair {
    fn read(fixture: &Fixture, set: &str) -> Result<Self, FixtureError> {
        let features = fixture.beside(&format!("features_{set}"))?;
        let made = stats("gen", features.tensors().get("gen")?)?;
        let real = stats("ref", features.tensors().get("ref")?)?;
        let full_rank = has_full_rank(&made)? && has_full_rank(&real)?;
        Ok(Pair { made, real, full_rank })
    }

    fn compare_all(&self, set: &str, published: &Node<'_>, cases: &mut Cases) {
        for (field, value) in published.fields() {
            let item = format!("{set} {field}");
            if field.starts_with("fid_") {
                cases.add(&item, Arithmetic::F64, self.compared(field, &value));
            } else if !matches!(field, "n" | "d" | "gen" | "ref") {
                cases.not_covered(&item, "no such score here yet");
            }
        }
    }

    fn compared(&self, field: &str, published: &Node<'_>) -> Result<Outcome, FixtureError> {
        let other = if field.contains("self") { &self.made } else { &self.real };
        let ours = frechet_distance(&self.made, other).map_err(FixtureError::refused)?;
        Ok(compare(&[ours], &published.as_numbers()?, self.tolerance(field)))
    }

    fn tolerance(&self, field: &str) -> Tolerance {
        match field {
            "fid_self_own" => tolerances::FRECHET_OF_ITSELF,
            _ if !self.full_rank => tolerances::FRECHET_RANK_DEFICIENT,
            // Both took the mean of the features in single precision.
            "fid_torch_fidelity" | "fid_pytorch_fid_float32_mean" => tolerances::FRECHET_OF_SINGLE_MEAN,
            _ => tolerances::FRECHET,
        }
    }
}

fn stats(name: &str, features: &Array) -> Result<GaussianStats, FixtureError> {
    let [_, width] = features.shape[..] else {
        return Err(features.wrong_shape(name, "two axes (samples, features)".to_owned()));
    };
    let mut stats = GaussianStats::new(width);
    stats.push_rows(&features.values).map_err(FixtureError::refused)?;
    Ok(stats)
}

/// Whether a Cholesky factorisation with pivots reaches the last row.
fn has_full_rank(stats: &GaussianStats) -> Result<bool, FixtureError> {
    let (n, mut rest) = (stats.width(), stats.covariance().map_err(FixtureError::refused)?);
    let largest = (0..n).map(|i| rest[i * n + i]).fold(0.0, f64::max);
    let mut open: Vec<usize> = (0..n).collect();
    while !open.is_empty() {
        let at = (0..open.len()).max_by(|&a, &b| {
            let pivot = |k: usize| rest[open[k] * n + open[k]];
            pivot(a).total_cmp(&pivot(b))
        });
        let row = open.swap_remove(at.unwrap_or(0));
        let pivot = rest[row * n + row];
        if pivot <= 1e-10 * largest {
            return Ok(false);
        }
        for &i in &open {
            let factor = rest[i * n + row] / pivot;
            for &j in &open {
                rest[i * n + j] -= factor * rest[row * n + j];
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_is_seen_whatever_the_scale() {
        let full_rank = |rows: &[f64]| {
            let mut stats = GaussianStats::new(2);
            stats.push_rows(rows).unwrap();
            has_full_rank(&stats).unwrap()
        };
        assert!(full_rank(&[0.0, 0.0, 1e-3, 0.0, 0.0, 2e-3, 1e-3, 1e-3]));
        assert!(!full_rank(&[0.0, 0.0, 1.0, 2.0, 2.0, 4.0, 5.0, 10.0]));
    }
}
