//! A slice of numbers as rows of one width.

use std::slice::ChunksExact;

use crate::MetricError;

/// Numbers that lie one row after the other, as rows of `width`; rows of no numbers hold none.
pub(crate) fn rows(numbers: &[f64], width: usize) -> Result<ChunksExact<'_, f64>, MetricError> {
    match numbers.len().checked_rem(width).unwrap_or(numbers.len()) {
        0 => Ok(numbers.chunks_exact(width.max(1))),
        found => Err(MetricError::Width { expected: width, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_rows_are_errors() {
        assert_eq!(rows(&[1.0, 2.0, 3.0, 4.0], 2).unwrap().len(), 2);
        assert_eq!(rows(&[], 0).unwrap().len(), 0);
        for (numbers, width, left) in [(3, 2, 1), (1, 0, 1), (2, 3, 2)] {
            let error = rows(&vec![0.0; numbers], width).unwrap_err();
            assert!(matches!(error, MetricError::Width { expected, found } if expected == width && found == left));
        }
    }
}
