//! A random order of a data set.

use crate::Key;
use crate::index::below;

/// A uniformly drawn order of `0..len`, a function of the key and the epoch alone.
///
/// It is the shuffle of Durstenfeld (1964, "Algorithm 235") run upwards, with indices drawn without
/// bias by Lemire's multiplication (2019, arXiv:1805.10941, algorithm 5). Its stream is draw `epoch` of
/// sample `u64::MAX`, which no data set reaches, so it meets no sample's own stream under the same key.
pub fn permutation(key: Key, epoch: u64, len: usize) -> Vec<usize> {
    let mut rng = key.stream(u64::MAX, epoch);
    let mut order: Vec<usize> = (0..len).collect();
    for last in 1..len {
        order.swap(last, below(&mut rng, last as u64 + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;
    use proptest::prelude::*;

    const KEY: fn(u64) -> Key = |seed| Key::new(seed, Purpose::Data);

    proptest! {
        #[test]
        fn holds_every_index_once(seed: u64, epoch: u64, len in 0usize..200) {
            let mut order = permutation(KEY(seed), epoch, len);
            order.sort_unstable();
            prop_assert_eq!(order, (0..len).collect::<Vec<_>>());
        }
    }

    #[test]
    fn epochs_and_seeds_differ() {
        let base = permutation(KEY(1), 0, 50);
        assert_eq!(base, permutation(KEY(1), 0, 50));
        assert_ne!(base, permutation(KEY(1), 1, 50));
        assert_ne!(base, permutation(KEY(2), 0, 50));
    }

    #[test]
    fn every_place_is_equally_likely() {
        let (epochs, len) = (6000, 5);
        let mut counts = [[0.0f64; 5]; 5];
        for epoch in 0..epochs {
            for (place, index) in permutation(KEY(3), epoch, len).into_iter().enumerate() {
                counts[place][index] += 1.0;
            }
        }
        let expected = epochs as f64 / len as f64;
        let worst = counts.as_flattened().iter().map(|c| (c - expected).abs()).fold(0.0, f64::max);
        assert!(worst < 4.0 * (expected * 0.8).sqrt(), "largest deviation {worst} of {expected}");
    }

    /// Computed by a separate ChaCha8 and shuffle in Python.
    #[test]
    fn the_layout_has_not_changed() {
        assert_eq!(permutation(KEY(0), 0, 8), [1, 2, 4, 5, 6, 0, 3, 7]);
    }
}
