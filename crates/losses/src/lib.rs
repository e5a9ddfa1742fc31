//! Decides what training minimises and what evaluation reports: `L_simple`, the error of any other
//! parameterisation in its own output space, the variational bound, term by term, in bits per dimension, and the
//! hybrid of both.
//!
//! Every loss is one number per sample (`[B]`), so that weighting, averaging over the batch and looking at a
//! single level stay with the caller. A [`Corruption`] says how a training input is made, a [`Weighting`] how much
//! its error counts, [`LossSecondMoment`] which levels are worth drawing. Nothing here is multiplied by the number
//! of steps `T`, but for [`Hybrid::total`]. An [`Objective`] is what a batch of training minimises: these losses at
//! levels and with noise of the samples' own ([`Simple`], [`Bound`], [`HybridBound`]), wrapped or not ([`Penalised`],
//! [`Importance`]), or anything else that is made of an [`Ask`].
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

mod ask;
mod bits_per_dim;
pub mod bound;
mod bound_objective;
mod corruption;
mod decoder;
mod error;
mod gradient_penalty;
mod hybrid;
mod hybrid_objective;
mod importance;
mod input_perturbation;
mod kl;
mod loss_second_moment;
mod mix;
mod objective;
mod penalised;
pub mod per_sample;
mod scheduled_sampling;
mod simple;
mod squared_error;
mod training_sigmas;
mod variational_bound;
mod weighting;

pub use ask::{Ask, Borrowed};
pub use bits_per_dim::{BoundOfBatch, bits_per_dim};
pub use bound_objective::Bound;
pub use corruption::{Corrupted, Corruption, Plain};
pub use decoder::decoder_log_likelihood;
pub use error::LossError;
pub use gradient_penalty::{PENALTY_STEP, gradient_penalty};
pub use hybrid::{Hybrid, hybrid};
pub use hybrid_objective::HybridBound;
pub use importance::Importance;
pub use input_perturbation::InputPerturbation;
pub use kl::normal_kl;
pub use loss_second_moment::{DrawnLevel, LevelDistribution, LossSecondMoment};
pub use mix::mix;
pub use objective::Objective;
pub use penalised::Penalised;
pub use scheduled_sampling::ScheduledSampling;
pub use simple::Simple;
pub use squared_error::squared_error;
pub use training_sigmas::{ContinuousVp, LogNormal, LogUniform};
pub use variational_bound::variational_bound;
pub use weighting::{Weigh, Weighting};
