//! The command line of undrift.

use clap::Parser;
use std::process::ExitCode;

/// Training allocates and frees the same large buffers at every step, which this allocator keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = undrift_lab::commands::Cli::parse();
    undrift_kernels::on_worker_thread(|| cli.run())
}
