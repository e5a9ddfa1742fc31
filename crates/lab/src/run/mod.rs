//! Running a recipe: every row and seed is trained, sampled and scored, and a report is written.

mod collect;
mod directory;
mod draw;
mod error;
mod estimate;
mod inputs;
mod lock;
pub mod losses;
mod objective;
mod protocol;
mod record;
mod row;
mod score;
mod setup;
mod train;

pub use collect::collect_report;
pub use directory::{Cell, RunDirectory, write_atomically};
pub use draw::{Drawn, draw, draw_all, draw_to_file};
pub use error::RunError;
pub use estimate::estimate;
pub use inputs::{Inputs, RowInputs};
pub use objective::Objective;
pub use protocol::protocol;
pub use record::{Build, Record, Timings};
pub(crate) use record::{read_json, write_json};
pub use row::{Data, all_failed, check_images, run_recipe, trained_network};
pub use score::{Reference, bits_per_dim, distance_name};
pub use setup::Setup;
pub use train::{IMAGES, NETWORK, SETTINGS, Trained, train};
