//! All layers under one name.
//!
//! This crate decides nothing but which features go together: a program that takes it as it is gets Burn's flex backend
//! with the fused operations of [`kernels`], and one that asks for `ndarray`, `wgpu` or `cuda` gets that backend in every
//! layer. What a layer decides, it says itself.
//!
//! ```
//! use undrift::burn::tensor::{Device, Tensor};
//! use undrift::denoisers::Gaussian;
//! use undrift::noise::{Key, Noise, Purpose, SampleNoise};
//! use undrift::samplers::{Ddim, sample};
//! use undrift::schedules::{Chain, Spacing};
//!
//! let grid = Chain::linear(1000)?.respace(Spacing::Trailing, 20)?;
//! let mut noise = SampleNoise::new(Key::new(0, Purpose::Sampling), 0, 4);
//! let x = noise.normal(&Tensor::<2>::zeros([4, 3], &Device::flex()));
//! let x0 = sample(&Gaussian { mean: 0.3, std: 0.5 }, &Ddim::default(), &grid, x, &mut noise)?;
//! assert_eq!(x0.dims(), [4, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whole programs are in the repository's `examples`.

pub use burn;
pub use undrift_checkpoints as checkpoints;
pub use undrift_data as data;
pub use undrift_denoisers as denoisers;
pub use undrift_files as files;
pub use undrift_kernels as kernels;
pub use undrift_losses as losses;
pub use undrift_metrics as metrics;
pub use undrift_networks as networks;
pub use undrift_noise as noise;
pub use undrift_pipelines as pipelines;
pub use undrift_report as report;
pub use undrift_samplers as samplers;
pub use undrift_schedules as schedules;
pub use undrift_studies as studies;
pub use undrift_training as training;

/// README's example, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
