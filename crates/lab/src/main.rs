//! The command line of undrift.

use std::process::ExitCode;
use undrift_lab::methods::Methods;

/// Training allocates and frees the same large buffers at every step, which this allocator keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    undrift_lab::main_with(Methods::standard())
}
