//! The results of a table of experiments, and the page that they make.
//!
//! [`Report`] is plain data; [`page()`] makes blocks of it, [`write()`] a directory.

mod bound;
mod data;
mod notes;
mod page;
mod rows;
#[cfg(test)]
mod sample;

pub use data::{BitsPerDim, FurtherScore, ImageCounts, Published, Report, RowResult, SampleGrid, Scores, SeedResult};
pub(crate) use notes::real_images;
pub use page::{page, write};
pub use rows::comparison;
