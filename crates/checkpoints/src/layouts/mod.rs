//! The layouts: how each published code names its tensors, one file per code.

pub mod dit;
mod guided;
pub mod guided_classifier;
pub mod guided_diffusion;
mod list;
