//! The one process of DiT's code.

use super::{Process, X0Limit};

/// eps over the linear chain of 1000 steps, never clipped.
pub(super) fn process() -> Process {
    Process { limit: X0Limit::None, ..Process::ddpm() }
}
