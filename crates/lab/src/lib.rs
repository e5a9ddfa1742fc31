//! Names as strings: recipes, registry, command line, run directories, reports and conformance.

pub mod conformance;
pub mod report;
