//! How a network is trained: Adam or AdamW with a linear warm-up and a decay, clipping by the global norm, moving
//! averages of the weights, and one file from which a stopped run goes on bit for bit.
//!
//! This crate decides what happens between a loss and the next weights. What the loss is, which data and
//! which noise it sees, is the caller's closure, which gets the number of the step: keyed by it, data and
//! noise need no state of their own. A [`Course`] is that closure for any data set, chain and objective.
//!
//! ```
//! use burn::module::{Module, Param};
//! use burn::tensor::{Device, Tensor};
//! use undrift_training::{Optimisation, TrainError, Trainer};
//!
//! #[derive(Module, Debug)]
//! struct Point {
//!     at: Param<Tensor<1>>,
//! }
//!
//! let device = Device::flex().autodiff();
//! let start = Point { at: Param::from_tensor(Tensor::from_floats([3.0], &device)) };
//! let mut trainer = Trainer::new(start, Optimisation::constant(0.1))?;
//! for _ in 0..100 {
//!     let update = trainer.step(|point, _step| Ok((point.at.val() - 1.0).square()))?;
//!     assert!(update.loss.is_finite());
//! }
//! assert!((trainer.model().at.val().into_scalar::<f32>() - 1.0).abs() < 0.05);
//! # Ok::<(), TrainError>(())
//! ```

mod adam;
mod average;
mod clip;
mod conditioned;
mod course;
mod ema;
mod error;
mod learning_rate;
mod optimisation;
mod train_state;
mod trainer;
mod turn;

pub use adam::Adam;
pub use conditioned::Conditioned;
pub use course::Course;
pub use ema::{Ema, Ramp};
pub use error::{BoxError, TrainError};
pub use learning_rate::RateDecay;
pub use optimisation::Optimisation;
pub use train_state::TrainState;
pub use trainer::{Trainer, Update};
pub use turn::Turn;
