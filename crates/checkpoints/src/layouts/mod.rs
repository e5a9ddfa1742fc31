//! How published codes name the parameters of their networks, one layout a file.

pub mod guided_classifier;
pub mod guided_diffusion;
pub(crate) mod guided_trunk;
