//! The kernels' unit tests under Miri.

use crate::failure::Failure;
use crate::program::{finish, root};
use std::process::{Command, Stdio};

/// What to install when Miri is missing.
const REMEDY: &str = "install it with `rustup toolchain install nightly --component miri,rust-src`";

/// Interprets the portable path, its index arithmetic and every unsafe block on it.
pub(crate) fn run() -> Result<(), Failure> {
    let mut probe = Command::new("cargo");
    let installed = probe.args(["+nightly", "miri", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        return Err(Failure::Message(format!("the nightly toolchain has no Miri; {REMEDY}")));
    }
    let mut command = Command::new("cargo");
    command.args(["+nightly", "miri", "test", "--package", "undrift-kernels", "--lib"]);
    // Rayon's threads outlive the tests, its queues are written for tree borrows and tag their pointers.
    command.env(
        "MIRIFLAGS",
        "-Zmiri-ignore-leaks -Zmiri-tree-borrows -Zmiri-disable-isolation -Zmiri-permissive-provenance",
    );
    command.env("RAYON_NUM_THREADS", "2").env("UNDRIFT_SIMD", "portable");
    command.env("CARGO_TARGET_DIR", root().join("target/miri"));
    // The variables of the cargo that runs this program would choose its toolchain again.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    finish(command.current_dir(root()))
}
