//! Uniform integers without bias.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::Key;

/// A uniform integer in `0..bound`, one sample's `draw`-th draw: the time step of a training image.
///
/// # Panics
///
/// If `bound` is 0.
pub fn index(key: Key, sample: u64, draw: u64, bound: usize) -> usize {
    assert!(bound > 0, "there is no integer in 0..0");
    below(&mut key.stream(sample, draw), bound as u64) as usize
}

/// A uniform integer in `0..bound` for `bound >= 1`, without bias (Lemire 2019, arXiv:1805.10941, algorithm 5).
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    let rejected = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= rejected {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn every_integer_is_equally_likely_and_none_is_out_of_bounds() {
        let key = Key::new(3, Purpose::Levels);
        let mut counts = [0.0f64; 7];
        (0..7000).for_each(|sample| counts[index(key, sample, 0, 7)] += 1.0);
        let chi_squared: f64 = counts.iter().map(|count| (count - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi_squared < 22.5, "{chi_squared}: chance below 0.001 for 6 degrees of freedom");
    }
}
