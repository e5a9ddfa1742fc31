//! What a sample is conditioned on, and what a network knows of that.

use std::fmt;

use burn::tensor::{Bool, Device, Tensor, TensorData};
use undrift_noise::SampleNoise;

use crate::NetworkError;

/// What the samples of a batch are conditioned on.
///
/// Which row, vector or token stands for a lost class is the network's own; a vector is lost as the vector of zeros.
#[expect(clippy::large_enum_variant, reason = "a batch has one, which is moved once or twice")]
#[derive(Clone, Debug)]
pub enum Condition {
    /// Nothing.
    None,
    /// The class of each sample, counted from 0; `None` for a sample that has lost its class.
    Classes(Vec<Option<u32>>),
    /// A vector for each sample, `[B, d]`, such as the embedding of a text.
    Vectors(Tensor<2>),
}

impl Condition {
    /// These classes, one for each sample, none of them lost.
    pub fn classes(classes: &[u32]) -> Self {
        Condition::Classes(classes.iter().copied().map(Some).collect())
    }

    /// The same question without its answer: every class or vector is lost, as classifier-free guidance asks.
    ///
    /// Source: Ho, Salimans 2022, arXiv:2207.12598, section 3.2.
    #[must_use]
    pub fn unconditional(&self) -> Self {
        match self {
            Condition::None => Condition::None,
            Condition::Classes(classes) => Condition::Classes(vec![None; classes.len()]),
            Condition::Vectors(vectors) => Condition::Vectors(vectors.zeros_like()),
        }
    }

    /// The same with each sample's class or vector lost with `probability` in `[0, 1]`.
    ///
    /// Which samples lose it is a function of the noise's key, their numbers and its draw, whatever the batch. It
    /// takes one draw, and none where nothing can be lost. The uniform numbers are those of f32 on `device`.
    ///
    /// Source: Ho, Salimans 2022, arXiv:2207.12598, algorithm 1.
    ///
    /// # Errors
    ///
    /// [`NetworkError::LabelDropout`] for no probability, [`NetworkError::Rows`] for noise of another number of
    /// samples.
    pub fn dropped(&self, probability: f64, noise: &mut SampleNoise, device: &Device) -> Result<Self, NetworkError> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(NetworkError::LabelDropout { value: probability });
        }
        let Some(rows) = self.rows().filter(|_| probability > 0.0) else { return Ok(self.clone()) };
        check_rows("sample numbers of the dropout noise", rows, noise.samples().len())?;
        let drawn = noise.uniform(&Tensor::<2>::zeros([rows, 1], device)).into_data();
        let lost: Vec<bool> = drawn.iter::<f64>().map(|uniform| uniform < probability).collect();
        Ok(self.without(&lost))
    }

    /// Number of samples; `None` for no condition, which fits every number.
    pub fn rows(&self) -> Option<usize> {
        match self {
            Condition::None => None,
            Condition::Classes(classes) => Some(classes.len()),
            Condition::Vectors(vectors) => Some(vectors.dims()[0]),
        }
    }

    /// The rows of a table of classes, `null` for those that are lost; none without classes.
    pub(crate) fn labels(&self, null: Option<usize>) -> Option<Vec<usize>> {
        let Condition::Classes(classes) = self else { return None };
        let label = |class: &Option<u32>| class.map(|class| class as usize).or(null);
        Some(
            classes
                .iter()
                .map(|class| label(class).expect("a lost class was refused where there is no row for it"))
                .collect(),
        )
    }

    fn without(&self, lost: &[bool]) -> Self {
        match self {
            Condition::None => Condition::None,
            Condition::Classes(classes) => {
                let kept = classes.iter().zip(lost).map(|(class, lost)| class.filter(|_| !lost));
                Condition::Classes(kept.collect())
            }
            Condition::Vectors(vectors) => {
                let [rows, width] = vectors.dims();
                let mask = TensorData::new(lost.to_vec(), [rows, 1]);
                let mask = Tensor::<2, Bool>::from_data(mask, &vectors.device()).expand([rows, width]);
                Condition::Vectors(vectors.clone().mask_fill(mask, 0.0))
            }
        }
    }
}

/// Which conditions a network knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionKind {
    /// None.
    None,
    /// A class for each sample.
    Classes {
        /// Number of classes.
        count: u32,
        /// Whether a sample may have lost its class, as label dropout and classifier-free guidance ask.
        may_be_lost: bool,
    },
    /// A vector for each sample.
    Vectors {
        /// Numbers of a vector.
        width: usize,
    },
}

impl ConditionKind {
    /// Refuses what does not fit a batch of `batch` samples.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Condition`] for another kind, [`NetworkError::Rows`] for another number of samples,
    /// [`NetworkError::Class`] and [`NetworkError::LostClass`] for a class that the network does not have.
    pub fn check(self, condition: &Condition, batch: usize) -> Result<(), NetworkError> {
        match (self, condition) {
            (ConditionKind::None, Condition::None) => Ok(()),
            (ConditionKind::Classes { count, may_be_lost }, Condition::Classes(classes)) => {
                check_rows("classes", batch, classes.len())?;
                classes.iter().try_for_each(|class| check_class(*class, count, may_be_lost))
            }
            (ConditionKind::Vectors { width }, Condition::Vectors(vectors)) if vectors.dims()[1] == width => {
                check_rows("vectors", batch, vectors.dims()[0])
            }
            _ => Err(NetworkError::Condition { knows: self.to_string(), given: condition.to_string() }),
        }
    }
}

impl fmt::Display for ConditionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConditionKind::None => f.write_str("no condition"),
            ConditionKind::Classes { count, .. } => write!(f, "{count} classes"),
            ConditionKind::Vectors { width } => write!(f, "vectors of {width} numbers"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::None => f.write_str("no condition"),
            Condition::Classes(_) => f.write_str("classes"),
            Condition::Vectors(vectors) => write!(f, "vectors of {} numbers", vectors.dims()[1]),
        }
    }
}

/// Refuses another number than one for each sample.
pub(crate) fn check_rows(what: &'static str, batch: usize, found: usize) -> Result<(), NetworkError> {
    if found == batch { Ok(()) } else { Err(NetworkError::Rows { what, batch, found }) }
}

fn check_class(class: Option<u32>, classes: u32, may_be_lost: bool) -> Result<(), NetworkError> {
    match class {
        Some(class) if class >= classes => Err(NetworkError::Class { class, classes }),
        None if !may_be_lost => Err(NetworkError::LostClass),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use undrift_noise::{Key, Purpose};

    fn noise(first: u64, count: usize) -> SampleNoise {
        SampleNoise::new(Key::new(1, Purpose::Dropout), first, count)
    }

    fn classes(condition: Condition) -> Vec<Option<u32>> {
        let Condition::Classes(classes) = condition else { panic!("{condition}") };
        classes
    }

    #[test]
    fn the_asked_share_is_lost_and_a_sample_depends_on_its_number_alone() {
        let (device, all) = (Device::flex(), Condition::classes(&[3; 2000]));
        let dropped = classes(all.dropped(0.25, &mut noise(0, 2000), &device).unwrap());
        let lost = dropped.iter().filter(|class| class.is_none()).count();
        assert!((430..570).contains(&lost), "{lost} of 2000 at one quarter");
        let part = Condition::classes(&[3; 10]).dropped(0.25, &mut noise(700, 10), &device).unwrap();
        assert_eq!(classes(part), dropped[700..710]);
    }

    #[test]
    fn a_lost_vector_is_zero_and_the_others_stay() {
        let device = Device::flex();
        let vectors = Condition::Vectors(Tensor::ones([200, 3], &device));
        let Condition::Vectors(dropped) = vectors.dropped(0.5, &mut noise(0, 200), &device).unwrap() else {
            panic!("vectors stay vectors");
        };
        let same = Condition::classes(&[0; 200]).dropped(0.5, &mut noise(0, 200), &device).unwrap();
        let rows: Vec<f32> = dropped.into_data().iter::<f32>().collect();
        for (row, class) in rows.chunks(3).zip(classes(same)) {
            assert_eq!(row, if class.is_some() { [1.0; 3] } else { [0.0; 3] });
        }
    }

    #[test]
    fn what_cannot_be_lost_takes_no_draw() {
        let (mut source, device) = (noise(0, 2), Device::flex());
        Condition::None.dropped(0.5, &mut source, &device).unwrap();
        let kept = Condition::classes(&[1, 2]).dropped(0.0, &mut source, &device).unwrap();
        assert_eq!((classes(kept), source.draw()), (vec![Some(1), Some(2)], 0));
        let none = Condition::classes(&[1, 2]).dropped(1.0, &mut source, &device).unwrap();
        assert_eq!((classes(none), source.draw()), (vec![None, None], 1));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let device = Device::flex();
        let kind = ConditionKind::Classes { count: 3, may_be_lost: false };
        let message = |kind: ConditionKind, condition: Condition| kind.check(&condition, 2).unwrap_err().to_string();
        assert!(kind.check(&Condition::classes(&[0, 2]), 2).is_ok());
        assert!(message(kind, Condition::classes(&[0, 3])).contains("class 3 is none of the 3 classes"));
        assert!(message(kind, Condition::classes(&[0])).contains("a batch of 2 takes 2 classes, not 1"));
        assert!(message(kind, Condition::classes(&[0, 1]).unconditional()).contains("lost its class"));
        assert!(message(kind, Condition::None).contains("knows 3 classes, and was given no condition"));
        let vectors = Condition::Vectors(Tensor::ones([2, 5], &device));
        assert!(message(ConditionKind::Vectors { width: 4 }, vectors.clone()).contains("given vectors of 5 numbers"));
        assert!(ConditionKind::Vectors { width: 5 }.check(&vectors, 2).is_ok());
        let error = vectors.dropped(1.5, &mut noise(0, 2), &device).unwrap_err().to_string();
        assert!(error.contains("1.5"), "{error}");
        let error = vectors.dropped(0.5, &mut noise(0, 3), &device).unwrap_err().to_string();
        assert!(error.contains("a batch of 2 takes 2 sample numbers of the dropout noise, not 3"), "{error}");
    }
}
