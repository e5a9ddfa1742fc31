//! How results look: pages of blocks, comparisons of rows, plots, and a renderer for each output.
//!
//! A [`Page`] is plain data: blocks of text, tables, plots and pictures in the order in which they are read, and what
//! folds. [`write()`] makes a directory of it, [`markdown()`], [`html()`] and [`text()`] render it. A [`Comparison`]
//! holds the scores of rows over seeds and makes the blocks that answer which row is better: the picture, the verdict,
//! the tables and the paired differences. No block knows what the rows are of.
//!
//! ```
//! use undrift_report::{Comparison, Direction, Row, Score, Trial, text, Page};
//!
//! let trial = |seed, error| Trial { seed, values: vec![Some(error)], failure: None };
//! let row = |label: &str, errors: [f64; 3]| {
//!     let trials = (0..).zip(errors).map(|(seed, error)| trial(seed, error)).collect();
//!     Row { trials, ..Row::new(label) }
//! };
//! let comparison = Comparison {
//!     scores: vec![Score::new("error", Direction::Lower, 2)],
//!     rows: vec![row("plain", [1.0, 1.2, 1.1]), row("cured", [0.8, 1.01, 0.9])],
//!     ..Comparison::default()
//! };
//! let page = Page { title: "A cure".into(), blocks: comparison.opening() };
//! assert!(text(&page).contains("cured is best by error (0.90 ± 0.06), clearly ahead of plain"));
//! ```

mod blocks;
mod comparison;
mod curve;
mod error;
mod grid;
mod html;
mod markdown;
mod mean;
pub mod numbers;
mod ordering;
mod page;
mod plot;
#[cfg(test)]
mod sample;
mod score;
mod standing;
mod svg;
mod table;
mod text;
mod verdict;
mod write;

pub use blocks::READING;
pub use comparison::{Comparison, Published, Row, Trial};
pub use curve::Curve;
pub use error::ReportError;
pub use grid::grid_png;
pub use html::html;
pub use markdown::markdown;
pub use mean::Mean;
pub use page::{Agreement, Block, Page, Picture, Verdict};
pub use plot::{Axis, Bar, Bars, Column, Drawing, Interval, Intervals, Lines, Panel, Panels, Plot, Series};
pub use score::{Direction, Format, Score};
pub use svg::svg;
pub use table::{Kind, Line, Table};
pub use text::{text, wrapped};
pub use write::{put, write};
