//! Methods by name: a table for each slot of an experiment, and one row for each method.
//!
//! A method is written `name` or `name:key=value,key=value` on the command line and in recipes, and in recipes also as a
//! table, `{ kind = "name", key = value }`. A program of one's own adds rows to [`Methods`].

mod error;
mod given;
mod method;
mod parameter;
mod registry;
mod row;
mod sampler;
pub mod slots;
mod values;

pub use error::MethodError;
pub use given::Given;
pub use method::{KIND, Method};
pub use parameter::{Kind, Parameter, Preset};
pub use registry::{Methods, SlotListing, listing_text};
pub use row::{Row, Slot, Table};
pub use sampler::{Sampler, SamplerSettings};
pub use undrift_pipelines::Context;
pub use values::Values;
