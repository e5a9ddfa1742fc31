//! Published checkpoints: what their files hold, what their tensors are called, which network they are.
//!
//! A *file* gives named tensors ([`file::Checkpoint`]); a *layout* ([`layouts`]) says how a published code names
//! the parameters of a network and which of ours each one is; *settings* ([`Settings`]) are the configuration in
//! that code's own words, from a sidecar, from flags or inferred from the shapes.
//!
//! This crate knows no levels, samplers or recipes: what a network's output means is decided elsewhere.

mod closed_form;
mod entry;
mod error;
pub mod file;
pub mod layouts;
mod settings;

pub use closed_form::ClosedForm;
pub use entry::{Entry, Shapes};
pub use error::CheckpointError;
pub use settings::Settings;
