//! Published checkpoints: which files hold them, what their tensors are called, which network they are.
//!
//! A *file* gives named tensors ([`file::Checkpoint`]); a *layout* ([`Layout`]) says how a published code names
//! the parameters of a network and which of ours each one is; *settings* ([`Settings`]) are the configuration in
//! that code's own words, from a sidecar, from flags or inferred from the shapes. Together they are a
//! [`Published`] checkpoint, which loads a [`Network`]; [`export`] writes one.
//!
//! This crate knows no levels, samplers or recipes: what a network's output means is decided elsewhere.

mod assumed;
mod candidates;
mod choice;
mod closed_form;
mod entry;
mod error;
mod export;
pub mod file;
mod file_names;
mod foreign;
mod json;
mod latent;
mod layout;
pub mod layouts;
mod location;
mod network;
mod published;
mod read_settings;
mod settings;
mod sidecar;
mod unnamed;
mod weight_kind;
mod word;
mod yaml;

pub use assumed::{Assumed, Reading};
pub use closed_form::ClosedForm;
pub use entry::{Entry, Shapes};
pub use error::CheckpointError;
pub use export::export;
pub use layout::Layout;
pub use network::{Network, NetworkConfig};
pub use published::{Given, Published};
pub use read_settings::read_settings;
pub use settings::Settings;
pub use weight_kind::WeightKind;
pub use word::{Kind, Role, Word};
pub use yaml::read_yaml;
