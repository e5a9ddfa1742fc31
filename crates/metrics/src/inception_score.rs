//! The inception score, in contiguous splits.

use crate::{ClassProbabilities, MetricError};

/// The inception score of images, with its spread over splits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InceptionScore {
    /// Mean over the splits; 1 (every image alike) up to the number of classes.
    pub mean: f64,
    /// Population standard deviation over the splits; 0 for a single split.
    pub std: f64,
}

/// The inception score: `exp(mean over images of KL(p(y|x) || p(y)))`, for each of `splits` parts.
///
/// Salimans et al. 2016, arXiv:1606.03498, section 4. As in the authors' code the parts are contiguous, part k being
/// the images `k n / splits .. (k + 1) n / splits` (integer division) with its own marginal `p(y)`, nothing is
/// shuffled, and the spread has ddof 0. A probability of 0 adds 0 where the authors' code yields NaN.
/// Only the score with the Inception network is comparable with published ones.
///
/// # Errors
///
/// If `splits` is 0 or larger than the number of images.
pub fn inception_score(probabilities: &ClassProbabilities, splits: usize) -> Result<InceptionScore, MetricError> {
    let samples = probabilities.len();
    if splits == 0 || splits > samples {
        return Err(MetricError::Splits { splits, samples });
    }
    let rows: Vec<&[f64]> = probabilities.iter().collect();
    let part = |k: usize| &rows[k * samples / splits..(k + 1) * samples / splits];
    let scores: Vec<f64> = (0..splits).map(|k| score(part(k))).collect();
    let mean = scores.iter().sum::<f64>() / splits as f64;
    let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / splits as f64;
    Ok(InceptionScore { mean, std: variance.sqrt() })
}

fn score(rows: &[&[f64]]) -> f64 {
    let marginal = marginal(rows);
    let kl = |row: &[f64]| -> f64 {
        let terms = row.iter().zip(&marginal).filter(|(p, _)| **p > 0.0);
        terms.map(|(p, q)| p * (p.ln() - q.ln())).sum()
    };
    (rows.iter().map(|row| kl(row)).sum::<f64>() / rows.len() as f64).exp()
}

fn marginal(rows: &[&[f64]]) -> Vec<f64> {
    let mut sum = vec![0.0; rows[0].len()];
    for row in rows {
        sum.iter_mut().zip(*row).for_each(|(sum, p)| *sum += p);
    }
    sum.into_iter().map(|sum| sum / rows.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[[f64; 2]]) -> ClassProbabilities {
        let mut kept = ClassProbabilities::new(2);
        kept.push_rows(rows.as_flattened()).unwrap();
        kept
    }

    #[test]
    fn certain_and_even_classes_score_their_number() {
        let score = inception_score(&of(&[[1.0, 0.0], [0.0, 1.0]]), 1).unwrap();
        assert_eq!(score, InceptionScore { mean: 2.0, std: 0.0 });
    }

    #[test]
    fn images_all_alike_score_one() {
        let score = inception_score(&of(&[[0.25, 0.75]; 6]), 3).unwrap();
        assert_eq!(score, InceptionScore { mean: 1.0, std: 0.0 });
    }

    /// Five images in two parts are 2 and 3: the first part scores 2, the second is all alike and scores 1.
    #[test]
    fn parts_are_contiguous_with_population_spread() {
        let rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]];
        let score = inception_score(&of(&rows), 2).unwrap();
        assert_eq!(score, InceptionScore { mean: 1.5, std: 0.5 });
    }

    #[test]
    fn impossible_splits_are_errors() {
        for splits in [0, 3] {
            let error = inception_score(&of(&[[1.0, 0.0], [0.0, 1.0]]), splits).unwrap_err();
            assert!(matches!(error, MetricError::Splits { samples: 2, .. }), "{error}");
        }
    }
}
