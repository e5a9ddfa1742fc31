//! What the network of a row is told beside the noised image.

use crate::RunError;
use undrift_data::Images;
use undrift_networks::Condition;

/// What the network of a row is told beside the noised image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Conditioning {
    /// Nothing.
    #[default]
    None,
    /// The class of each image.
    Classes {
        /// Number of classes; samples are of the first, the second, .. by turns.
        count: u32,
        /// Probability in [0, 1] that training takes an image's class away (Ho and Salimans 2022, arXiv:2207.12598).
        dropout: f64,
    },
}

impl Conditioning {
    /// Probability that training takes an image's class away.
    pub(crate) fn dropout(self) -> f64 {
        match self {
            Conditioning::None => 0.0,
            Conditioning::Classes { dropout, .. } => dropout,
        }
    }

    /// The images with as many classes as the network is told of.
    ///
    /// # Errors
    /// [`RunError::Data`] for a label beyond them.
    pub(crate) fn of_images(self, images: Images) -> Result<Images, RunError> {
        match self {
            Conditioning::None => Ok(images),
            Conditioning::Classes { count, .. } => Ok(images.with_classes(count)?),
        }
    }

    /// What is said of the samples `first .. first + count`.
    pub(crate) fn of_samples(self, first: u64, count: usize) -> Condition {
        match self {
            Conditioning::None => Condition::None,
            Conditioning::Classes { count: classes, .. } => {
                let of = |sample: u64| (sample % u64::from(classes.max(1))) as u32;
                Condition::classes(&(first..first + count as u64).map(of).collect::<Vec<_>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_of_each_class_by_turns_whatever_the_batch() {
        let classes = |first, count| {
            let condition = Conditioning::Classes { count: 3, dropout: 0.0 }.of_samples(first, count);
            let Condition::Classes(classes) = condition else { panic!("classes are given") };
            classes.into_iter().flatten().collect::<Vec<_>>()
        };
        assert_eq!(classes(0, 5), [0, 1, 2, 0, 1]);
        assert_eq!(classes(2, 3), classes(0, 5)[2..]);
    }
}
