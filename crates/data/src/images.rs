//! Images of bytes with labels, and batches of them as tensors.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::contents::{digest_of, gather};
use crate::dataset::{check_batch, check_labels};
use crate::{DataError, Dataset, ValueKind};

/// Images of bytes with their labels, all of one size, at least one.
///
/// # Shapes
/// Pixels are `[len, channels, height, width]` (NCHW), row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u32>,
    classes: Option<u32>,
    channels: usize,
    height: usize,
    width: usize,
}

impl Images {
    /// Images of `pixels` (NCHW, row-major), one for each of `labels`, of which is not known how many classes there are.
    ///
    /// # Errors
    /// [`DataError::Empty`] when a number is 0, [`DataError::PixelCount`] when there are more or fewer
    /// pixels than the other numbers say.
    pub fn new(pixels: Vec<u8>, labels: Vec<u32>, [channels, height, width]: [usize; 3]) -> Result<Self, DataError> {
        let (count, found) = (labels.len(), pixels.len());
        let factors = [count, channels, height, width];
        if factors.contains(&0) {
            return Err(DataError::Empty { count, channels, height, width });
        }
        let expected = factors.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
        if expected != Some(found) {
            return Err(DataError::PixelCount { found, count, channels, height, width });
        }
        Ok(Images { pixels, labels, classes: None, channels, height, width })
    }

    /// The same with labels of which is known that there are so many classes.
    ///
    /// # Errors
    /// [`DataError::Label`] for a label that is none of them.
    pub fn with_classes(self, classes: u32) -> Result<Self, DataError> {
        check_labels(&self.labels, self.labels.len(), classes)?;
        Ok(Images { classes: Some(classes), ..self })
    }

    /// Other images with the classes of these.
    pub(crate) fn like(&self, pixels: Vec<u8>, labels: Vec<u32>, shape: [usize; 3]) -> Result<Self, DataError> {
        Ok(Images { classes: self.classes, ..Images::new(pixels, labels, shape)? })
    }

    /// Number of images, at least 1.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// All bytes, NCHW, row-major.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// One class number for each image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Channels of an image.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows of an image.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of an image.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of one image: `channels * height * width`.
    pub fn pixels_per_image(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Bytes of image `index`, CHW, row-major; `None` when there are not so many.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        self.pixels.chunks_exact(self.pixels_per_image()).nth(index)
    }

    /// The images at `indices`, in that order, repetitions allowed.
    ///
    /// # Errors
    /// [`DataError::NoSuchImage`] for an index that is not below [`len`](Images::len),
    /// [`DataError::Empty`] for no index at all.
    pub fn subset(&self, indices: &[usize]) -> Result<Images, DataError> {
        let mut pixels = Vec::with_capacity(indices.len() * self.pixels_per_image());
        let mut labels = Vec::with_capacity(indices.len());
        for &index in indices {
            let missing = || DataError::NoSuchImage { index, len: self.len() };
            pixels.extend_from_slice(self.image(index).ok_or_else(missing)?);
            labels.push(self.labels[index]);
        }
        self.like(pixels, labels, [self.channels, self.height, self.width])
    }

    /// The images at `indices` as numbers in [-1, 1], those with a true entry in `flips` mirrored left to
    /// right; no entries at all mirror none.
    ///
    /// A byte `u` becomes `u / 127.5 - 1`, computed in f64 and rounded once to `dtype` (Ho, Jain and
    /// Abbeel 2020, arXiv:2006.11239, section 3.3; their code computes it in f32, at most one unit in the
    /// last place away).
    ///
    /// # Shapes
    /// `[indices.len(), channels, height, width]`.
    ///
    /// # Panics
    /// When an index is not below [`len`](Images::len), or when there are some but not
    /// `indices.len()` flips.
    pub fn batch(&self, indices: &[usize], flips: &[bool], device: &Device, dtype: DType) -> Tensor<4> {
        assert!(flips.is_empty() || flips.len() == indices.len(), "{} flips for {} images", flips.len(), indices.len());
        let shape = [indices.len(), self.channels, self.height, self.width];
        let bytes = gather(&self.pixels, self.shape(), indices, flips);
        let data = match dtype {
            DType::F64 => TensorData::new(bytes.into_iter().map(unit).collect(), shape),
            _ => TensorData::new(bytes.into_iter().map(|u| unit(u) as f32).collect(), shape),
        };
        Tensor::from_data(data, (device, dtype))
    }
}

impl Dataset for Images {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    fn value_kind(&self) -> ValueKind {
        ValueKind::Bytes
    }

    fn labels(&self) -> Option<&[u32]> {
        self.classes.map(|_| self.labels.as_slice())
    }

    fn classes(&self) -> u32 {
        self.classes.unwrap_or(0)
    }

    fn batch(&self, indices: &[usize], flips: &[bool], device: &Device, dtype: DType) -> Result<Tensor<4>, DataError> {
        check_batch(self.labels.len(), indices, flips)?;
        Ok(Images::batch(self, indices, flips, device, dtype))
    }

    fn hash(&self) -> String {
        digest_of(self.labels.len(), self.shape(), &self.pixels)
    }
}

/// The number in [-1, 1] that a byte stands for.
fn unit(byte: u8) -> f64 {
    f64::from(byte) / 127.5 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three images of two channels, two rows and three columns, with bytes 0, 1, 2, ...
    fn counting() -> Images {
        Images::new((0..36).collect(), vec![7, 8, 9], [2, 2, 3]).unwrap()
    }

    fn batch(indices: &[usize], flips: &[bool]) -> Vec<f64> {
        let x = counting().batch(indices, flips, &Device::flex(), DType::F64);
        assert_eq!(x.dims(), [indices.len(), 2, 2, 3]);
        let bytes = x.into_data().iter::<f64>().map(|x| (x + 1.0) * 127.5).collect::<Vec<_>>();
        bytes.iter().map(|b| b.round()).collect()
    }

    #[test]
    fn bytes_become_the_published_numbers() {
        let pixels = vec![0, 1, 51, 102, 153, 255];
        let images = Images::new(pixels, vec![0], [1, 2, 3]).unwrap();
        let x = images.batch(&[0], &[], &Device::flex(), DType::F64).into_data();
        let expected = [-1.0, 2.0 / 255.0 - 1.0, -0.6, -0.2, 0.2, 1.0];
        for (x, expected) in x.iter::<f64>().zip(expected) {
            assert!((x - expected).abs() < 1e-15, "{x} is not {expected}");
        }
        let single = images.batch(&[0], &[], &Device::flex(), DType::F32);
        assert_eq!(single.dtype(), DType::F32);
        assert_eq!(single.into_data().iter::<f32>().nth(5), Some(1.0f32));
    }

    #[test]
    fn batches_follow_the_indices_and_flip_rows_only() {
        assert_eq!(batch(&[2, 0], &[])[..3], [24.0, 25.0, 26.0]);
        let flipped = batch(&[1, 0], &[true, false]);
        assert_eq!(flipped[..6], [14.0, 13.0, 12.0, 17.0, 16.0, 15.0]);
        assert_eq!(flipped[12..15], [0.0, 1.0, 2.0]);
    }

    #[test]
    #[should_panic(expected = "1 flips for 2 images")]
    fn flips_are_for_all_or_for_none() {
        batch(&[0, 1], &[true]);
    }

    #[test]
    fn subsets_keep_labels_with_their_images() {
        let subset = counting().subset(&[2, 2, 1]).unwrap();
        assert_eq!(subset.labels(), [9, 9, 8]);
        assert_eq!(subset.image(2).unwrap()[0], 12);
        assert!(subset.image(3).is_none());
        let error = counting().subset(&[0, 3]).unwrap_err();
        assert!(matches!(error, DataError::NoSuchImage { index: 3, len: 3 }), "{error}");
        assert!(matches!(counting().subset(&[]), Err(DataError::Empty { .. })));
    }

    #[test]
    fn labels_are_a_condition_once_their_classes_are_known() {
        let (bare, labelled) = (counting(), counting().with_classes(10).unwrap());
        assert_eq!((Dataset::labels(&bare), bare.classes()), (None, 0));
        assert_eq!((Dataset::labels(&labelled), labelled.classes()), (Some(&[7, 8, 9][..]), 10));
        assert_eq!(labelled.subset(&[1]).unwrap().classes(), 10);
        let error = counting().with_classes(9).unwrap_err();
        assert!(matches!(error, DataError::Label { at: 2, label: 9, classes: 9 }), "{error}");
    }

    #[test]
    fn the_data_set_is_the_images_and_refuses_what_is_not_there() {
        let data: &dyn Dataset = &counting();
        let x = data.batch(&[2, 0], &[true, false], &Device::flex(), DType::F32).unwrap();
        let images = counting().batch(&[2, 0], &[true, false], &Device::flex(), DType::F32);
        assert_eq!((x.into_data(), data.shape()), (images.into_data(), [2, 2, 3]));
        assert!(data.batch(&[3], &[], &Device::flex(), DType::F32).is_err());
        assert!(data.batch(&[0, 1], &[true], &Device::flex(), DType::F32).is_err());
        // Computed in Python from the numbers 3, 2, 2, 3 as little-endian u64 and the bytes 0..36.
        assert_eq!(data.hash(), HASH);
    }

    const HASH: &str = "6f18ef9a45e6fc48559f0b76d39a629d";

    #[test]
    fn impossible_sizes_are_refused() {
        let wrong = Images::new(vec![0; 5], vec![0], [1, 2, 3]).unwrap_err();
        assert!(matches!(wrong, DataError::PixelCount { found: 5, .. }), "{wrong}");
        let none = Images::new(vec![], vec![], [1, 2, 3]).unwrap_err();
        assert!(matches!(none, DataError::Empty { count: 0, .. }), "{none}");
        let huge = Images::new(vec![0], vec![0], [usize::MAX, 2, 2]).unwrap_err();
        assert!(matches!(huge, DataError::PixelCount { .. }), "{huge}");
    }
}
