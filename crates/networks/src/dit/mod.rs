//! The diffusion transformer.
//!
//! Source: Peebles, Xie 2022, arXiv:2212.09748, and its code.

mod block;
mod conditioning;
mod config;
mod layers;
mod model;
mod positions;

pub use config::DitConfig;
pub use model::Dit;
