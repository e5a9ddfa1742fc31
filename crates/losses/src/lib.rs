//! Decides what training minimises and what evaluation reports: `L_simple`, the error of any other
//! parameterisation in its own output space, and the variational bound, term by term, in bits per dimension.
//!
//! Every loss is one number per sample (`[B]`), so that weighting, averaging over the batch and looking at a
//! single level stay with the caller. Nothing here is multiplied by the number of steps `T`.
//!
//! ```
//! use burn::tensor::{Device, Tensor, TensorData};
//! use undrift_denoisers::{Gaussian, Variance};
//! use undrift_losses::bits_per_dim;
//! use undrift_noise::{Key, Purpose, SampleNoise};
//! use undrift_schedules::Chain;
//!
//! let x0 = Tensor::<2>::from_data(TensorData::new(vec![-1.0f32, 1.0], [1, 2]), &Device::flex());
//! let mut noise = SampleNoise::new(Key::new(0, Purpose::Evaluation), 0, 1);
//! let model = Gaussian { mean: 0.0, std: 0.5 };
//! let bound = bits_per_dim(&model, Variance::FixedSmall, &Chain::linear_scaled(100)?.grid(), x0, &mut noise)?;
//! assert!(bound.total[0] > 5.43, "averaged over noise, black and white cost -log2 0.0232 bits at least");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bits_per_dim;
pub mod bound;
mod decoder;
mod error;
mod kl;
mod mix;
mod per_sample;
mod squared_error;
mod variational_bound;

pub use bits_per_dim::{BoundOfBatch, bits_per_dim};
pub use decoder::decoder_log_likelihood;
pub use error::LossError;
pub use kl::normal_kl;
pub use mix::mix;
pub use squared_error::squared_error;
pub use variational_bound::variational_bound;
