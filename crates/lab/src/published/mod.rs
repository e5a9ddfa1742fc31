//! What the command line says about a checkpoint, in values of the crate that understands published ones; and where
//! samples go.

mod args;
mod choice;
mod opened;
mod output;
mod row;

pub use args::CheckpointArgs;
pub use choice::SamplerChoice;
pub use opened::{Opened, PublishedError, Weights};
pub use output::{Drawing, OpenOutput, Output, is_picture};
pub use row::process_of_row;
