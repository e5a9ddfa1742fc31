//! Class probabilities of many samples, checked and kept in order.

use burn::tensor::Tensor;

use crate::MetricError;

/// Class probabilities of samples in the order they came, in f64: what the inception score needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassProbabilities {
    classes: usize,
    rows: Vec<f64>,
}

impl ClassProbabilities {
    /// No samples yet, of `classes` probabilities each.
    pub fn new(classes: usize) -> Self {
        ClassProbabilities { classes, rows: Vec::new() }
    }

    /// Probabilities per sample.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Samples seen so far.
    pub fn len(&self) -> usize {
        self.rows.len() / self.classes.max(1)
    }

    /// Whether no sample has been seen.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The samples' probabilities, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> + Clone {
        self.rows.chunks_exact(self.classes.max(1))
    }

    /// Adds a batch of samples.
    ///
    /// # Shapes
    ///
    /// `probabilities`: `[B, classes]`, each row in 0..=1 with sum 1 up to 1e-4 (a softmax in f32).
    ///
    /// # Errors
    ///
    /// If the number of classes differs or a row is no distribution; what was kept is then as before.
    pub fn push(&mut self, probabilities: Tensor<2>) -> Result<(), MetricError> {
        let found = probabilities.dims()[1];
        if found != self.classes {
            return Err(MetricError::Width { expected: self.classes, found });
        }
        self.push_rows(&probabilities.try_into_vec_as::<f64>()?)
    }

    /// Adds samples that lie one after the other in `rows`, each in 0..=1 with sum 1 up to 1e-4.
    ///
    /// # Errors
    ///
    /// If the last row is incomplete or a row is no distribution; what was kept is then as before.
    pub fn push_rows(&mut self, rows: &[f64]) -> Result<(), MetricError> {
        let whole = crate::rows::rows(rows, self.classes)?;
        if let Some(at) = whole.clone().position(|row| !is_distribution(row)) {
            let sum = whole.clone().nth(at).map_or(0.0, |row| row.iter().sum());
            return Err(MetricError::NotProbabilities { sample: (self.len() + at) as u64, sum });
        }
        self.rows.extend_from_slice(rows);
        Ok(())
    }
}

fn is_distribution(row: &[f64]) -> bool {
    row.iter().all(|p| *p >= 0.0) && (row.iter().sum::<f64>() - 1.0).abs() < 1e-4
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn keeps_rows_in_order() {
        let mut kept = ClassProbabilities::new(2);
        kept.push_rows(&[0.25, 0.75]).unwrap();
        kept.push(Tensor::full([2, 2], 0.5, &Device::flex())).unwrap();
        assert_eq!(kept.len(), 3);
        assert_eq!(kept.iter().collect::<Vec<_>>(), [[0.25, 0.75], [0.5, 0.5], [0.5, 0.5]]);
    }

    #[test]
    fn what_is_no_distribution_is_an_error() {
        let mut kept = ClassProbabilities::new(2);
        kept.push_rows(&[0.25, 0.75]).unwrap();
        for bad in [[0.5, 0.6], [-0.5, 1.5], [f64::NAN, 1.0]] {
            let error = kept.push_rows(&bad).unwrap_err();
            assert!(matches!(error, MetricError::NotProbabilities { sample: 1, .. }), "{error}");
        }
        let error = kept.push(Tensor::full([1, 3], 0.5, &Device::flex())).unwrap_err();
        assert!(matches!(error, MetricError::Width { expected: 2, found: 3 }), "{error}");
        assert_eq!(kept.len(), 1);
    }
}
