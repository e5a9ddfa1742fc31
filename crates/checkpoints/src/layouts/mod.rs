//! The layouts: how each published code names its tensors, one file per code.

mod guided;
pub mod guided_classifier;
pub mod guided_diffusion;
mod list;
