//! Training and test data: what files they come from, in which order they are seen, how a byte becomes
//! a number that a network sees and the other way round.
//!
//! A [`Dataset`] is anything that has numbered samples of one shape: [`Images`] of bytes, or [`Points`] of floats, such
//! as those of a [`Toy`].
//!
//! [`Images`] holds bytes, NCHW. They come from the embedded sample of Fashion-MNIST
//! ([`fashion_mnist`]), from IDX files ([`read_idx`]) or from CIFAR-10's binary batches
//! ([`read_cifar10`]). [`Batches`] says which of them make the k-th training batch.
//!
//! ```
//! use burn::tensor::{DType, Device};
//! use undrift_data::{Batches, Flips, Split, fashion_mnist, quantise};
//! use undrift_noise::{Key, Purpose};
//!
//! let images = fashion_mnist(Split::Test).reduced()?;
//! let mut order = Batches::new(Key::new(1, Purpose::Data), images.len(), 8, Flips::Random)?;
//! let drawn = order.batch(0);
//! let x0 = images.batch(&drawn.indices, &drawn.flips, &Device::flex(), DType::F32);
//! assert_eq!(x0.dims(), [8, 1, 16, 16]);
//! assert_eq!(quantise(x0)?.len(), 8 * 16 * 16);
//! # Ok::<(), undrift_data::DataError>(())
//! ```

mod batches;
mod cifar10;
mod contents;
mod dataset;
mod error;
mod fashion_mnist;
mod idx;
mod images;
mod npz;
mod opened;
mod points;
mod quantise;
mod reduce;
mod split;
mod toy;

pub use batches::{Batch, Batches, Flips};
pub use cifar10::{read_cifar10, read_cifar10_directory};
pub use dataset::{Dataset, ValueKind};
pub use error::DataError;
pub use fashion_mnist::{fashion_mnist, read_fashion_mnist};
pub use idx::read_idx;
pub use images::Images;
pub use npz::{NpyArray, NpyValues, npz_size, write_npz};
pub use points::Points;
pub use quantise::quantise;
pub use split::Split;
pub use toy::Toy;
