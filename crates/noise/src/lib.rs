//! Where randomness comes from: counter-based normals keyed by (seed, purpose, sample, draw).
//!
//! No generator is advanced from one batch to the next. Every number is a function of who asks for it:
//! the [`Key`] (a seed and what the numbers are for), the index of the sample, and how many draws that
//! sample has had before. So sample 17 gets the same noise alone, in a batch of 64 or on another thread,
//! two samplers can be compared on common random numbers, and a resumed run needs no generator state.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use undrift_noise::{Key, Noise, Purpose, SampleNoise};
//!
//! let key = Key::new(7, Purpose::Sampling);
//! let like = Tensor::<2>::zeros([3, 4], &Device::flex());
//! let all = SampleNoise::new(key, 0, 3).normal(&like);
//! let last = SampleNoise::new(key, 2, 1).normal(&like.clone().narrow(0, 2, 1));
//! assert_eq!(all.narrow(0, 2, 1).into_data(), last.into_data());
//! ```

mod index;
mod key;
mod noise;
mod permutation;
mod replay;
mod sample_noise;
mod zeros;

pub use index::index;
pub use key::{Key, Purpose};
pub use noise::Noise;
pub use permutation::permutation;
pub use replay::Replay;
pub use sample_noise::SampleNoise;
pub use zeros::Zeros;
