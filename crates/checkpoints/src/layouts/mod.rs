//! The layouts: how each published code names its tensors, one file per code.

mod ddpm;
pub mod diffusers;
pub mod dit;
pub mod ermongroup;
pub mod guided_classifier;
pub mod guided_diffusion;
pub(crate) mod guided_trunk;
