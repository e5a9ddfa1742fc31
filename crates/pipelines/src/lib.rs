//! Published pipelines: what the words of a folder or a file say about chain, prediction, variance, sampler and guidance.
//!
//! A [`Pipeline`] is a checkpoint of a published code with the [`Process`] that its settings say, which
//! [`Process::words`] says again in the words of any layout. A [`Plan`] is the published code's own sampler, with what a
//! [`Choice`] says otherwise; [`Sampling`] draws with it.
//!
//! Names are those of published codes. What a user calls a method is a value here: an [`AskedSolver`] or a [`Wrapper`].
//!
//! ```
//! use burn::tensor::Device;
//! use undrift_checkpoints::{Layout, NetworkConfig, Settings};
//! use undrift_networks::DdpmUnetConfig;
//! use undrift_pipelines::{Choice, Plan, Process};
//!
//! let scheduler = Settings::default().with("_class_name", "DDIMScheduler").with("clip_sample", false);
//! let process = Process::of(Layout::Diffusers, &scheduler, &NetworkConfig::Ddpm(DdpmUnetConfig::cifar10()))?;
//! let choice = Choice { steps: Some(20), ..Choice::default() };
//! let plan = Plan::new(&process, &choice, &Device::flex())?;
//! assert_eq!(plan.text(), "ddim, 20 steps (leading), no wrappers, steps placed as DDIMScheduler of diffusers");
//! # Ok::<(), undrift_pipelines::PipelineError>(())
//! ```

mod assembly;
mod bearing;
mod betas;
mod choice;
mod classifier;
mod context;
mod error;
mod flags;
mod guidance;
mod pipeline;
mod placing;
mod plan;
mod predicted;
mod process;
mod published_solver;
mod reading;
mod said;
mod sampling;
mod scheduler;
mod setting;
mod step_variance;
mod words;
mod wrapper;
mod x0_limit;

pub use bearing::bears_on_samples;
pub use betas::Betas;
pub use choice::{AskedSolver, AskedWrapper, BuildSolver, Choice};
pub use classifier::log_probability_gradient;
pub use context::Context;
pub use error::{BoxError, PipelineError};
pub use flags::Flags;
pub use guidance::{ByClassifier, Guidance, released_channels};
pub use pipeline::Pipeline;
pub use placing::Placing;
pub use plan::Plan;
pub use predicted::Predicted;
pub use process::{Process, Visits};
pub use published_solver::PublishedSolver;
pub use said::{Said, Yml};
pub use sampling::Sampling;
pub use scheduler::Scheduler;
pub use setting::Setting;
pub use step_variance::StepVariance;
pub use wrapper::{Belief, Wrapper};
pub use x0_limit::X0Limit;
