//! The layouts: how each published code names its tensors, one file per code.

mod ddpm;
pub mod diffusers;
mod diffusers_words;
pub mod dit;
mod dit_words;
pub mod ermongroup;
mod ermongroup_words;
pub mod guided_classifier;
mod guided_code;
pub mod guided_diffusion;
pub(crate) mod guided_trunk;
mod guided_words;

pub use guided_code::{Because, GuidedCode};
