//! Decides how an experiment runs: what is in a run directory, and how rows are trained, sampled and scored so that a
//! stopped run goes on bit for bit.
//!
//! Everything is a value here: a [`Plan`] is one row, a [`Study`] is several of them with their seeds. Names, recipes
//! and pages are made above this crate, which reports its progress to a [`Watch`] and asks it whether to stop.
//!
//! ```
//! use undrift_studies::{Quiet, Watch, memory};
//!
//! let mut stage = Quiet.stage("draw".to_owned(), 0, 2);
//! stage.at(1, &|| "half".to_owned());
//! stage.finish(&String::new);
//! assert!(!Quiet.stop_requested());
//! assert_eq!(memory::said(memory::bytes(3u64, 512u64)), "1.5 KiB");
//! ```

mod appended;
mod cell;
mod conditioning;
mod cost;
mod data;
mod directory;
mod draw;
mod error;
pub mod exposure;
mod inputs;
mod lock;
pub mod losses;
pub mod memory;
mod outline;
mod plan;
mod real;
mod record;
mod results;
mod row;
mod row_samples;
mod sampler;
mod saved;
mod score;
mod study;
mod table;
mod train;
mod trained;
mod watch;
mod weight_set;

pub use cell::Cell;
pub use conditioning::Conditioning;
pub use cost::Cost;
pub use data::{Data, check_images};
pub use directory::RunDirectory;
pub use draw::Draw;
pub use error::RunError;
pub use inputs::{Inputs, RowInputs};
pub use outline::{Kept, Outline, RowOutline};
pub use plan::{
    DataSource, Extractor, MakeMetric, MakeObjective, MakeSampler, Picture, Plan, Sampling, Scoring, Training,
};
pub use record::{Build, Record, Timings};
pub use results::{BitsPerDim, FurtherScore, ImageCounts, Scores, SeedResult};
pub use row::run_cell;
pub use row_samples::{Drawn, draw, draw_all, draw_to_file};
pub use sampler::Sampler;
pub use saved::{read_json, write_atomically, write_json};
pub use score::{Reference, bits_per_dim, further_scores};
pub use study::{Finished, Study};
pub use table::{HeldOut, RowResults, Table, TableResults, held_out, rows_of};
pub use train::{IMAGES, Trained, train};
pub use trained::trained_network;
pub use watch::{Quiet, Stage, Watch};
pub use weight_set::WeightSet;
