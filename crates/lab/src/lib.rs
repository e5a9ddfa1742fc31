//! Names as strings: recipes, registry, command line, run directories and reports.
//!
//! This crate decides what the names in a recipe mean and where files go; the mathematics lies below it.
//! The program `undrift` is a thin shell around [`commands`].
//!
//! ```
//! use undrift_lab::recipe::load;
//! use undrift_lab::registry;
//!
//! let recipe = load("table2", Some("smoke"))?;
//! let row = recipe.rows.last().expect("Table 2 has six rows");
//! assert_eq!(row.id, "eps-simple");
//! let chain = registry::chain(&row.settings.chain)?;
//! assert_eq!(chain.len(), row.settings.chain.length());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod commands;
pub mod destination;
pub mod exposure;
pub mod interrupt;
pub mod methods;
pub mod progress;
pub mod published;
pub mod recipe;
pub mod registry;
pub mod report;
pub mod run;
pub mod terminal;
