//! Names as strings: a table of methods for each slot of an experiment, recipes, the command line and reports.
//!
//! This crate decides what the names in a recipe mean and where files go; the mathematics lies below it.
//! The program `undrift` is a thin shell around [`commands`].
//!
//! ```
//! use undrift_lab::methods::Methods;
//! use undrift_lab::recipe::load;
//!
//! let methods = Methods::standard();
//! let recipe = load("table2", Some("smoke"), &methods)?;
//! let row = recipe.rows.last().expect("Table 2 has six rows");
//! assert_eq!(row.id, "eps-simple");
//! assert_eq!(methods.chain(&row.settings.chain)?.len(), 50);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod commands;
pub mod destination;
pub mod devices;
pub mod exposure;
pub mod interrupt;
pub mod methods;
pub mod progress;
pub mod published;
pub mod recipe;
pub mod report;
pub mod run;
pub mod terminal;

/// The whole program with these methods: reads the command line, and runs its command on a thread of its own.
///
/// A program of one's own adds its rows to [`Methods::standard`](methods::Methods::standard) and hands them over; they
/// have their names in recipes, `run`, `sample`, `tune` and `methods` then, like all others.
///
/// ```no_run
/// use undrift_lab::methods::slots::CHAINS;
/// use undrift_lab::methods::{Methods, Row};
///
/// fn main() -> std::process::ExitCode {
///     let mut methods = Methods::standard();
///     let linear = CHAINS[0];
///     methods.chains.add(Row { name: "mine", ..linear }).expect("no other chain is called so");
///     undrift_lab::main_with(methods)
/// }
/// ```
pub fn main_with(methods: methods::Methods) -> std::process::ExitCode {
    let cli = <commands::Cli as clap::Parser>::parse();
    undrift_kernels::on_worker_thread(|| cli.run(&methods))
}
