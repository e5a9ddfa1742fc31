//! Reports: tables, plots and sample grids of a finished experiment.
//!
//! [`Report`] is plain data; [`write()`] makes a directory of it, [`text_table`] and [`verdict()`] make
//! text for a terminal, and [`grid_png`] makes the pictures of samples that a report names.

mod curve;
mod data;
mod error;
mod grid;
mod html;
mod lead;
mod markdown;
mod mean;
pub(crate) mod notes;
pub(crate) mod numbers;
mod ordering;
pub(crate) mod page;
pub(crate) mod plot;
#[cfg(test)]
mod sample;
pub(crate) mod table;
mod text;
mod verdict;
mod write;

pub use data::{BitsPerDim, ImageCounts, Published, Report, RowResult, SampleGrid, Scores, SeedResult};
pub use error::ReportError;
pub use grid::grid_png;
pub use text::{text_table, wrapped};
pub use verdict::{Outcome, Verdict, verdict};
pub(crate) use write::put;
pub use write::write;
