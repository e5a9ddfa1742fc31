//! The levels of a batch: one for all samples, or one for each.

use burn::tensor::{Tensor, TensorData};
use undrift_schedules::Level;

use crate::DenoiseError;

/// The levels of a batch: one that all samples share, or one for each sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    list: Vec<Level>,
}

impl From<Level> for Levels {
    fn from(level: Level) -> Self {
        Levels::from(vec![level])
    }
}

impl From<Vec<Level>> for Levels {
    fn from(list: Vec<Level>) -> Self {
        Levels { list }
    }
}

impl Levels {
    /// Number of levels: 1, or the size of the batch.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no level at all (such levels fit no batch).
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The levels in the order of the samples.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Level> + '_ {
        self.list.iter().copied()
    }

    /// The level of one sample, or `None` beyond the batch.
    pub fn of(&self, sample: usize) -> Option<Level> {
        if self.list.len() == 1 { self.list.first().copied() } else { self.list.get(sample).copied() }
    }

    /// One number per level as a column that broadcasts against `like`.
    ///
    /// # Shapes
    /// `[len, 1, .., 1]`, with the dtype and device of `like`.
    pub fn column<const D: usize>(&self, like: &Tensor<D>, f: impl Fn(Level) -> f64) -> Tensor<D> {
        let values: Vec<f64> = self.iter().map(f).collect();
        column(&values, like)
    }

    /// Checks that these levels fit a batch.
    ///
    /// # Errors
    /// [`DenoiseError::LevelCount`] unless there is one level, or one for each sample.
    pub fn check<const D: usize>(&self, x: &Tensor<D>) -> Result<(), DenoiseError> {
        let batch = x.dims()[0];
        match self.len() {
            levels if levels == 1 || levels == batch && batch > 0 => Ok(()),
            levels => Err(DenoiseError::LevelCount { levels, batch }),
        }
    }
}

/// Numbers of the host, one for each sample or one for all, as a column that broadcasts against `like`.
///
/// # Shapes
/// `[values.len(), 1, .., 1]`, with the dtype and device of `like`.
pub fn column<const D: usize>(values: &[f64], like: &Tensor<D>) -> Tensor<D> {
    let mut shape = [1; D];
    shape[0] = values.len();
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (&like.device(), like.dtype()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    #[test]
    fn a_column_keeps_every_digit_and_follows_its_model() {
        let like = Tensor::<3>::zeros([2, 3, 4], (&Device::flex(), DType::F64));
        let third = column(&[1.0 / 3.0, 1e-300], &like);
        assert_eq!((third.dims(), third.dtype()), ([2, 1, 1], DType::F64));
        assert_eq!(third.into_data().iter::<f64>().collect::<Vec<_>>(), [1.0 / 3.0, 1e-300]);
        assert_eq!(column(&[0.5], &like.cast(DType::F32)).dtype(), DType::F32);
    }

    #[test]
    fn one_level_serves_every_sample_and_others_must_match() {
        let level = |t| Level::vp(0.5, t).expect("valid");
        let x = Tensor::<2>::zeros([3, 1], &Device::flex());
        let (one, two) = (Levels::from(level(4.0)), Levels::from(vec![level(1.0), level(2.0)]));
        assert!(one.check(&x).is_ok() && !one.is_empty());
        assert_eq!(two.check(&x), Err(DenoiseError::LevelCount { levels: 2, batch: 3 }));
        assert_eq!(one.of(2), Some(level(4.0)));
        assert_eq!((two.of(1), two.of(2)), (Some(level(2.0)), None));
    }
}
