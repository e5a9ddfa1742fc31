//! The address of a random stream: seed, purpose, sample, draw.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The address of a family of random streams: a seed, and what its numbers are for.
///
/// # Layout
///
/// The generator is ChaCha with 8 rounds, 64-bit block counter and 64-bit nonce (Bernstein 2008,
/// "ChaCha, a variant of Salsa20"). Of its state, little-endian:
///
/// | part | holds |
/// |---|---|
/// | key bytes 0..8 | the seed |
/// | key bytes 8..16 | the number of the purpose, see [`Purpose`] |
/// | key bytes 16..24 | bits 36..64 of the draw |
/// | key bytes 24..32 | the ASCII letters `undrift1` |
/// | nonce | the index of the sample |
/// | block counter | bits 0..36 of the draw, times 2^28 |
///
/// Different (seed, purpose, sample, draw) therefore never share a block. One draw has 2^32 words of
/// 32 bits, room for 2 * 10^9 normals per sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    seed: u64,
    purpose: Purpose,
}

impl Key {
    /// The key of `purpose` under `seed`; any seed is as good as any other.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Key { seed, purpose }
    }

    /// The seed that this key was made of.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// What the numbers of this key are for.
    pub fn purpose(self) -> Purpose {
        self.purpose
    }

    /// The generator of one sample's `draw`-th draw (from 0), placed at its first word.
    pub fn stream(self, sample: u64, draw: u64) -> ChaCha8Rng {
        let (high, low) = (draw >> DRAW_BITS, draw & ((1 << DRAW_BITS) - 1));
        let mut rng = ChaCha8Rng::from_seed(self.bytes(high));
        rng.set_stream(sample);
        rng.set_word_pos(u128::from(low) << WORD_BITS);
        rng
    }

    fn bytes(self, draw_high: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.purpose.number().to_le_bytes());
        bytes[16..24].copy_from_slice(&draw_high.to_le_bytes());
        bytes[24..32].copy_from_slice(b"undrift1");
        bytes
    }
}

/// Bits of the draw that lie in the block counter; the rest lies in the key.
const DRAW_BITS: u32 = 36;

/// Base-2 logarithm of the 32-bit words of one draw.
const WORD_BITS: u32 = 32;

/// What random numbers are for, so that two uses under one seed never meet.
///
/// Their numbers, 1 to 7 in this order, are part of the layout of [`Key`] and never change; a new one takes the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Initial weights of a network.
    Initialisation,
    /// Order of the training data and its augmentation.
    Data,
    /// Noise levels that training draws.
    Levels,
    /// Gaussian noise of the training inputs.
    Training,
    /// Units that dropout sets to zero.
    Dropout,
    /// Start and steps of a sampler.
    Sampling,
    /// Noise of a bound or another measurement.
    Evaluation,
    /// What someone else's method draws; see [`Purpose::named`].
    Other(u32),
}

impl Purpose {
    /// A purpose of a method elsewhere, by a name of its own.
    ///
    /// Its number is the 32-bit FNV-1a hash of the name's UTF-8 bytes (Fowler, Noll, Vo 1991).
    pub const fn named(name: &str) -> Self {
        let (bytes, mut hash, mut at) = (name.as_bytes(), 0x811c_9dc5_u32, 0);
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        Purpose::Other(hash)
    }

    /// The number in the layout; those of others begin at 2^32.
    fn number(self) -> u64 {
        match self {
            Purpose::Initialisation => 1,
            Purpose::Data => 2,
            Purpose::Levels => 3,
            Purpose::Training => 4,
            Purpose::Dropout => 5,
            Purpose::Sampling => 6,
            Purpose::Evaluation => 7,
            Purpose::Other(other) => (1 << 32) | u64::from(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    fn words(seed: u64, purpose: Purpose, sample: u64, draw: u64) -> [u64; 2] {
        let mut rng = Key::new(seed, purpose).stream(sample, draw);
        [rng.next_u64(), rng.next_u64()]
    }

    const WORDS: [[u64; 2]; 4] = [
        [0x70aa_b6d6_8b3b_03af, 0x1713_7257_b2a4_d3a1],
        [0x53af_a3e3_3f8c_5dec, 0x2397_634e_baff_08de],
        [0x3f2b_3ff1_af5d_a21e, 0x7edb_16b1_e979_a7a3],
        [0xdaa1_41fa_2f06_a9ec, 0x1d28_0ad2_bbfb_eedc],
    ];

    /// Computed from the layout table by a separate ChaCha8 in Python.
    #[test]
    fn words_are_those_of_the_documented_layout() {
        let seed = 0x0123_4567_89ab_cdef;
        assert_eq!(words(0, Purpose::Initialisation, 0, 0), WORDS[0]);
        assert_eq!(words(seed, Purpose::Sampling, 3, 0), WORDS[1]);
        assert_eq!(words(seed, Purpose::Sampling, 3, 5), WORDS[2]);
        assert_eq!(words(seed, Purpose::Evaluation, u64::MAX, u64::MAX), WORDS[3]);
    }

    /// The published test vectors of FNV-1a, and no meeting with the purposes here.
    #[test]
    fn a_purpose_of_others_goes_by_its_name() {
        assert_eq!(Purpose::named(""), Purpose::Other(0x811c_9dc5));
        assert_eq!(Purpose::named("a"), Purpose::Other(0xe40c_292c));
        assert_eq!(Purpose::named("foobar"), Purpose::Other(0xbf9c_f968));
        for (own, other) in [(Purpose::Training, Purpose::Other(4)), (Purpose::Other(4), Purpose::Other(5))] {
            assert_ne!(words(1, own, 2, 3), words(1, other, 2, 3));
        }
    }

    #[test]
    fn every_part_of_the_address_matters() {
        let base = words(1, Purpose::Sampling, 2, 3);
        assert_eq!(base, words(1, Purpose::Sampling, 2, 3));
        for other in [
            words(2, Purpose::Sampling, 2, 3),
            words(1, Purpose::Training, 2, 3),
            words(1, Purpose::Sampling, 3, 3),
            words(1, Purpose::Sampling, 2, 4),
            words(1, Purpose::Sampling, 2, 3 + (1 << 36)),
        ] {
            assert_ne!(base, other);
        }
    }
}
