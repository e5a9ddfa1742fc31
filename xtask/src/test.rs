//! The tests.

use crate::failure::Failure;
use crate::program::{cargo, finish, root};
use std::process::Command;

/// The environment variable that chooses the vector instructions of the kernels.
const VARIABLE: &str = "UNDRIFT_SIMD";

/// Test files whose results depend on the vector instructions; they are run again with every other kind.
const OF_KERNELS: &[&str] = &["agreement", "batch_independence", "ddpm_unet", "fused_run"];

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also run the slow tests
    #[arg(long)]
    slow: bool,
    /// Run everything with these vector instructions: avx512, avx2 or portable
    #[arg(long)]
    simd: Option<String>,
}

/// All tests of the workspace, in the profile that the program itself is built with.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut command = tests(args.simd.as_deref());
    command.arg("--");
    if args.slow {
        command.arg("--include-ignored");
    }
    finish(&mut command)?;
    if args.simd.is_some() || std::env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    for level in other_levels() {
        println!("\nthe tests of the kernels with {VARIABLE}={level}");
        let mut command = tests(Some(level));
        for name in OF_KERNELS {
            command.args(["--test", name]);
        }
        finish(&mut command)?;
    }
    Ok(())
}

fn tests(level: Option<&str>) -> Command {
    // The benchmarks hold no tests, and criterion would change the features that Burn is compiled with.
    let mut command = cargo(&["test", "--release", "--workspace", "--exclude", "undrift-benches"]);
    if let Some(level) = level {
        command.env(VARIABLE, level);
    }
    command.current_dir(root());
    command
}

/// The levels of this processor below its best one.
fn other_levels() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512f") {
        return vec!["avx2", "portable"];
    }
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
        return vec!["portable"];
    }
    Vec::new()
}
