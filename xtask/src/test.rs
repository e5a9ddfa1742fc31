//! The tests.

use crate::{Failure, cargo, finish, root};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also run the slow tests
    #[arg(long)]
    slow: bool,
}

/// All tests of the workspace, in the profile that the program itself is built with.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    // The benchmarks hold no tests, and criterion would change the features that Burn is compiled with.
    let mut command = cargo(&["test", "--release", "--workspace", "--exclude", "undrift-benches", "--"]);
    if args.slow {
        command.arg("--include-ignored");
    }
    finish(command.current_dir(root()))
}
