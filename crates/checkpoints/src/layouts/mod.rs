//! The published layouts: what each code calls the parameters and the settings of its networks.

pub(crate) mod ddpm;
pub mod diffusers;
pub mod ermongroup;
