//! Decides how a sampler walks: one [`Solver`] step across a span, and one lazy loop of [`steps`] over a grid.
//! A new method is one more file with one more [`Solver`]; what a model believes is not decided here. Methods that
//! change a belief instead of a step ([`EpsilonScaling`], [`TimeShift`], [`SeparateFirst`]) are denoisers and are
//! only named here. What the steps here are made of is public too ([`begin`], [`flow`], [`shares`], [`log_step`],
//! [`Churn::raise`], [`SampleError::at`] ..), so that a solver elsewhere is written as these are.
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

mod adams_bashforth;
mod ancestral;
mod begin;
mod churn;
mod ddim;
mod ddim_inversion;
mod diffusers_ddpm;
mod diffusers_pndm;
mod dpm_solver_2;
mod dpm_solver_pp_2m;
mod dpm_solver_pp_2s;
mod error;
mod euler;
mod exact_flow;
mod first_order_end;
pub mod flow;
mod guided_ancestral;
pub mod haar;
mod heun;
mod labelling;
pub mod landing;
mod lms;
pub mod log_step;
mod moving_average;
mod pndm;
mod rehearsal;
mod reminded;
pub mod shares;
mod solver;
mod steps;
#[cfg(test)]
mod testing;
mod time_shift_adm;
mod time_shift_pnm;
mod unipc;
mod without_noise;

pub use adams_bashforth::adams_bashforth;
pub use ancestral::Ancestral;
pub use begin::{begin, begin_with_signal};
pub use churn::Churn;
pub use ddim::{Ddim, believed};
pub use ddim_inversion::DdimInversion;
pub use diffusers_ddpm::DiffusersDdpm;
pub use diffusers_pndm::DiffusersPndm;
pub use dpm_solver_2::DpmSolver2;
pub use dpm_solver_pp_2m::DpmSolverPp2m;
pub use dpm_solver_pp_2s::DpmSolverPp2s;
pub use error::SampleError;
pub use euler::Euler;
pub use exact_flow::{exact_flow, flow_error};
pub use first_order_end::FirstOrderEnd;
pub use guided_ancestral::GuidedAncestral;
pub use heun::Heun;
pub use labelling::Labelling;
pub use lms::Lms;
pub use moving_average::{BandWeights, MovingAverage, Ramp};
pub use pndm::Pndm;
pub use rehearsal::{Outputs, rehearse};
pub use reminded::Reminded;
pub use solver::{Solver, Step};
pub use steps::{Steps, sample, steps};
pub use time_shift_adm::TimeShiftAdm;
pub use time_shift_pnm::{Pnm, TimeShiftPnm};
pub use undrift_denoisers::{EpsilonScaling, SeparateFirst, TimeShift};
pub use unipc::{UniPc, UniPcVariant};
pub use without_noise::WithoutNoise;
