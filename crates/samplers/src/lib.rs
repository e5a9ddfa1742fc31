//! Decides how a sampler walks: one [`Solver`] step across a span, and one lazy loop of [`steps`] over a grid.
//! A new method is one more file with one more [`Solver`]; what a model believes is not decided here.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use undrift_denoisers::{Gaussian, Variance};
//! use undrift_noise::{Key, Noise, Purpose, SampleNoise};
//! use undrift_samplers::{Ancestral, sample};
//! use undrift_schedules::{Chain, Spacing};
//!
//! let grid = Chain::linear(1000)?.respace(Spacing::Trailing, 20)?;
//! let mut noise = SampleNoise::new(Key::new(0, Purpose::Sampling), 0, 4);
//! let x = noise.normal(&Tensor::<2>::zeros([4, 3], &Device::flex()));
//! let solver = Ancestral { variance: Variance::FixedSmall };
//! let x0 = sample(&Gaussian { mean: 0.3, std: 0.5 }, &solver, &grid, x, &mut noise)?;
//! assert_eq!(x0.dims(), [4, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ancestral;
mod churn;
mod ddim;
mod ddim_inversion;
mod dpm_solver_pp_2m;
mod error;
mod euler;
mod heun;
mod log_step;
mod pndm;
mod solver;
mod steps;
#[cfg(test)]
mod testing;
mod unipc;
mod without_noise;

pub use ancestral::Ancestral;
pub use churn::Churn;
pub use ddim::Ddim;
pub use ddim_inversion::DdimInversion;
pub use dpm_solver_pp_2m::DpmSolverPp2m;
pub use error::SampleError;
pub use euler::Euler;
pub use heun::Heun;
pub use pndm::Pndm;
pub use solver::{Solver, Step};
pub use steps::{Steps, sample, steps};
pub use undrift_denoisers::{EpsilonScaling, TimeShift};
pub use unipc::{UniPc, UniPcVariant};
pub use without_noise::WithoutNoise;
