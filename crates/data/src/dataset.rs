//! What a network is trained on and measured against, whatever it is.

use std::fmt::Debug;

use burn::tensor::{DType, Device, Tensor};

use crate::DataError;
use crate::contents::digest;

/// Samples of one shape, numbered from 0, at least one.
#[allow(clippy::len_without_is_empty, reason = "there is no empty data set")]
pub trait Dataset: Debug + Send + Sync {
    /// Number of samples, at least 1.
    fn len(&self) -> usize;

    /// Channels, height and width of a sample; points of d coordinates are `[d, 1, 1]`.
    fn shape(&self) -> [usize; 3];

    /// What its numbers are.
    fn value_kind(&self) -> ValueKind;

    /// The class of each sample, counted from 0 and below [`classes`](Self::classes); `None` where nobody has said how
    /// many there are.
    fn labels(&self) -> Option<&[u32]>;

    /// Number of classes; 0 without labels.
    fn classes(&self) -> u32;

    /// The samples at `indices`, those with a true entry in `flips` mirrored left to right; no entries at all mirror
    /// none.
    ///
    /// # Shapes
    ///
    /// `[indices.len(), channels, height, width]`.
    ///
    /// # Errors
    ///
    /// [`DataError::NoSuchImage`] for an index that is not below [`len`](Self::len), [`DataError::Flips`] for some
    /// but not `indices.len()` flips.
    fn batch(&self, indices: &[usize], flips: &[bool], device: &Device, dtype: DType) -> Result<Tensor<4>, DataError>;

    /// Hash of the shape and the numbers, not of the labels: 32 hexadecimal digits.
    fn hash(&self) -> String;

    /// Hash of the labels and of the number of classes; `None` without labels.
    fn hash_of_labels(&self) -> Option<String> {
        let classes = self.classes().to_le_bytes();
        let labels: Vec<u8> = self.labels()?.iter().flat_map(|label| label.to_le_bytes()).collect();
        Some(digest(&[&classes, &labels]))
    }
}

/// What the numbers of a data set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Bytes, seen as numbers in [-1, 1]; samples of a model are made bytes again before they are compared with them,
    /// and likelihoods are those of bytes.
    Bytes,
    /// Any finite numbers; samples of a model are compared with them as they are.
    Floats,
}

/// Refuses indices and flips that the data set does not have.
pub(crate) fn check_batch(len: usize, indices: &[usize], flips: &[bool]) -> Result<(), DataError> {
    if !flips.is_empty() && flips.len() != indices.len() {
        return Err(DataError::Flips { flips: flips.len(), samples: indices.len() });
    }
    match indices.iter().find(|index| **index >= len) {
        Some(&index) => Err(DataError::NoSuchImage { index, len }),
        None => Ok(()),
    }
}

/// Refuses labels that are not one class for each sample.
pub(crate) fn check_labels(labels: &[u32], samples: usize, classes: u32) -> Result<(), DataError> {
    if labels.len() != samples {
        return Err(DataError::LabelCount { labels: labels.len(), samples });
    }
    match labels.iter().position(|label| *label >= classes) {
        Some(at) => Err(DataError::Label { at, label: labels[at], classes }),
        None => Ok(()),
    }
}
