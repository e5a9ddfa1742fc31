//! The layouts: how each published code names its tensors, one file per code.

mod ddpm;
pub mod diffusers;
pub mod dit;
pub mod ermongroup;
mod guided;
pub mod guided_classifier;
pub mod guided_diffusion;
mod list;
