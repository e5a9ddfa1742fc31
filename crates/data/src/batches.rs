//! The order of training: which images make the k-th batch, and which of them are mirrored.

use rand_chacha::rand_core::Rng;
use undrift_noise::{Key, permutation};

use crate::DataError;

/// Which images make the k-th training batch, as a function of a key and k alone.
///
/// The data set is gone through again and again, every time in a fresh order (one
/// [`permutation`] per epoch), and the endless row of images is cut into batches. Nothing is
/// dropped at the end of an epoch: a batch may hold the last images of one and the first of the next.
/// So a resumed run needs no state but the number of its next batch. (DDPM's code passes the repeated
/// data set through a shuffling buffer of 50,000 images, which mixes neighbouring epochs.)
#[derive(Clone, Debug)]
pub struct Batches {
    key: Key,
    len: usize,
    size: usize,
    flips: Flips,
    /// Number and order of the epoch that was used last.
    epoch: (u64, Vec<usize>),
}

/// Whether training images are mirrored left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flips {
    /// Never.
    None,
    /// Every image of every epoch with probability one half.
    Random,
}

/// The images of one training batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Indices into the data set.
    pub indices: Vec<usize>,
    /// For each of them, whether it is mirrored.
    pub flips: Vec<bool>,
}

impl Batches {
    /// Batches of `size` images out of `len`, in the order that `key` gives.
    ///
    /// # Errors
    /// [`DataError::EmptyBatch`] when one of the numbers is 0. A batch may be larger than the data set.
    pub fn new(key: Key, len: usize, size: usize, flips: Flips) -> Result<Self, DataError> {
        if len == 0 || size == 0 {
            return Err(DataError::EmptyBatch { len, size });
        }
        let epoch = (0, permutation(key, 0, len));
        Ok(Batches { key, len, size, flips, epoch })
    }

    /// Batch `number`, counted from 0; asking again, or in another order, gives the same batch.
    ///
    /// The order of one epoch is kept between calls, which changes the time it takes and nothing else.
    pub fn batch(&mut self, number: u64) -> Batch {
        let first = u128::from(number) * self.size as u128;
        let mut batch = Batch { indices: Vec::new(), flips: Vec::new() };
        for position in first..first + self.size as u128 {
            let (epoch, place) = (position / self.len as u128, position % self.len as u128);
            let index = self.order(epoch as u64)[place as usize];
            batch.indices.push(index);
            batch.flips.push(self.is_flipped(index, epoch as u64));
        }
        batch
    }

    fn order(&mut self, epoch: u64) -> &[usize] {
        if self.epoch.0 != epoch {
            self.epoch = (epoch, permutation(self.key, epoch, self.len));
        }
        &self.epoch.1
    }

    fn is_flipped(&self, index: usize, epoch: u64) -> bool {
        match self.flips {
            Flips::None => false,
            Flips::Random => self.key.stream(index as u64, epoch).next_u32() & 1 == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use undrift_noise::Purpose;

    fn batches(seed: u64, len: usize, size: usize) -> Batches {
        Batches::new(Key::new(seed, Purpose::Data), len, size, Flips::Random).unwrap()
    }

    proptest! {
        #[test]
        fn every_epoch_holds_every_image_once(seed: u64, len in 1usize..40, size in 1usize..60) {
            let mut order = batches(seed, len, size);
            let seen: Vec<usize> = (0..3 * len as u64).flat_map(|k| order.batch(k).indices).collect();
            for epoch in seen.chunks_exact(len) {
                let mut epoch = epoch.to_vec();
                epoch.sort_unstable();
                prop_assert_eq!(epoch, (0..len).collect::<Vec<_>>());
            }
        }

        #[test]
        fn a_batch_depends_on_its_number_alone(seed: u64, number in 0u64..1000) {
            let mut visited = batches(seed, 10, 7);
            for other in [0, 500, number + 1] {
                visited.batch(other);
            }
            prop_assert_eq!(visited.batch(number), batches(seed, 10, 7).batch(number));
        }
    }

    #[test]
    fn epochs_and_seeds_differ() {
        let epoch = |seed, number| batches(seed, 64, 64).batch(number);
        assert_ne!(epoch(1, 0).indices, epoch(1, 1).indices);
        assert_ne!(epoch(1, 0).indices, epoch(2, 0).indices);
    }

    #[test]
    fn half_of_the_images_are_flipped_and_not_always_the_same() {
        let mut order = batches(5, 1000, 1000);
        let mut flipped = [[false; 1000]; 2];
        for (epoch, flipped) in flipped.iter_mut().enumerate() {
            let batch = order.batch(epoch as u64);
            batch.indices.iter().zip(batch.flips).for_each(|(&i, flip)| flipped[i] = flip);
        }
        for epoch in flipped {
            let count = epoch.iter().filter(|&&flip| flip).count();
            assert!((430..570).contains(&count), "{count} of 1000 are flipped");
        }
        let changed = flipped[0].iter().zip(flipped[1]).filter(|(a, b)| **a != *b).count();
        assert!((430..570).contains(&changed), "{changed} of 1000 changed");
        let key = Key::new(5, Purpose::Data);
        let none = Batches::new(key, 1000, 1000, Flips::None).unwrap().batch(0);
        assert_eq!(none.flips, [false; 1000]);
        assert_eq!(none.indices, order.batch(0).indices);
    }

    #[test]
    fn nothing_makes_no_batch() {
        let key = Key::new(5, Purpose::Data);
        for (len, size) in [(0, 4), (4, 0)] {
            let error = Batches::new(key, len, size, Flips::None).unwrap_err();
            assert!(matches!(error, DataError::EmptyBatch { .. }), "{error}");
        }
    }

    #[test]
    fn the_last_number_does_not_overflow() {
        assert_eq!(batches(1, 5, 3).batch(u64::MAX).indices.len(), 3);
    }
}
