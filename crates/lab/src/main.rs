//! The command line of undrift.
fn main() {}
