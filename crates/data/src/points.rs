//! Samples of any finite numbers: points of a plane, latent images.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::contents::{digest_of, gather};
use crate::dataset::{check_batch, check_labels};
use crate::{DataError, Dataset, ValueKind};

/// Samples of finite numbers, all of one shape, at least one, with or without labels.
///
/// # Shapes
/// Values are `[len, channels, height, width]`, row-major; points of d coordinates are `[len, d, 1, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    values: Vec<f32>,
    shape: [usize; 3],
    labels: Option<Vec<u32>>,
    classes: u32,
}

impl Points {
    /// Samples of these values and of this shape (channels, height, width).
    ///
    /// # Errors
    /// [`DataError::ValueCount`] where the values are not a whole number of samples, and at least one;
    /// [`DataError::NotANumber`] for a NaN or an infinity.
    pub fn new(values: Vec<f32>, shape: [usize; 3]) -> Result<Self, DataError> {
        let found = values.len();
        let size = shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n)).unwrap_or(0);
        if size == 0 || found == 0 || !found.is_multiple_of(size) {
            return Err(DataError::ValueCount { found, shape });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(DataError::NotANumber { sample: at / size, entry: at % size, value: values[at].into() });
        }
        Ok(Points { values, shape, labels: None, classes: 0 })
    }

    /// The same with a class for each sample.
    ///
    /// # Errors
    /// [`DataError::LabelCount`] for another number of labels, [`DataError::Label`] for one that is no class.
    pub fn with_labels(self, labels: Vec<u32>, classes: u32) -> Result<Self, DataError> {
        check_labels(&labels, self.len(), classes)?;
        Ok(Points { labels: Some(labels), classes, ..self })
    }

    /// All numbers, row-major.
    pub fn numbers(&self) -> &[f32] {
        &self.values
    }
}

impl Dataset for Points {
    fn len(&self) -> usize {
        self.values.len() / self.shape.iter().product::<usize>()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn value_kind(&self) -> ValueKind {
        ValueKind::Floats
    }

    fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    fn classes(&self) -> u32 {
        self.classes
    }

    fn batch(&self, indices: &[usize], flips: &[bool], device: &Device, dtype: DType) -> Result<Tensor<4>, DataError> {
        check_batch(self.len(), indices, flips)?;
        let [channels, height, width] = self.shape;
        let values = gather(&self.values, self.shape, indices, flips);
        let data = TensorData::new(values, [indices.len(), channels, height, width]);
        Ok(Tensor::from_data(data, (device, dtype)))
    }

    fn hash(&self) -> String {
        let numbers: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        digest_of(self.len(), self.shape, &numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Points {
        Points::new((0..12).map(|i| i as f32 / 4.0).collect(), [2, 1, 2]).unwrap()
    }

    #[test]
    fn batches_follow_the_indices_and_mirror_rows() {
        let batch = |flips: &[bool]| {
            let x = points().batch(&[2, 0], flips, &Device::flex(), DType::F64).unwrap();
            assert_eq!((x.dims(), x.dtype()), ([2, 2, 1, 2], DType::F64));
            x.into_data().iter::<f64>().map(|value| value * 4.0).collect::<Vec<_>>()
        };
        assert_eq!(batch(&[]), [8.0, 9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(batch(&[true, false]), [9.0, 8.0, 11.0, 10.0, 0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_is_no_data_set_is_refused() {
        let new = |values: Vec<f32>, shape| Points::new(values, shape).unwrap_err().to_string();
        assert!(new(vec![0.0; 5], [2, 1, 1]).contains("5 numbers are no whole number of samples of [2, 1, 1]"));
        assert!(new(vec![], [2, 1, 1]).contains("0 numbers"));
        assert!(new(vec![0.0; 4], [usize::MAX, 2, 2]).contains("4 numbers"));
        assert!(new(vec![0.0, f32::NAN, 0.0], [1, 1, 1]).contains("sample 1"));
        let labels = |labels: Vec<u32>| points().with_labels(labels, 2).unwrap_err().to_string();
        assert!(labels(vec![0, 1]).contains("2 labels for 3 samples"));
        assert!(labels(vec![0, 1, 2]).contains("label 2 (from 0) is 2"));
        let batch = |indices: &[usize], flips: &[bool]| {
            points().batch(indices, flips, &Device::flex(), DType::F32).unwrap_err().to_string()
        };
        assert!(batch(&[3], &[]).contains("3 was asked for, but there are 3"));
        assert!(batch(&[0, 1], &[true]).contains("1 flips for 2 samples"));
    }

    #[test]
    fn hashes_see_numbers_shape_and_labels_apart() {
        let labelled = |last| points().with_labels(vec![0, 1, last], 3).unwrap();
        assert_eq!((points().hash(), points().hash_of_labels()), (labelled(1).hash(), None));
        assert_ne!(labelled(1).hash_of_labels(), labelled(2).hash_of_labels());
        let reshaped = Points::new(points().numbers().to_vec(), [4, 1, 1]).unwrap();
        let mut other = points().numbers().to_vec();
        other[11] += 1.0;
        let other = Points::new(other, [2, 1, 2]).unwrap();
        assert!(reshaped.hash() != points().hash() && other.hash() != points().hash());
    }
}
