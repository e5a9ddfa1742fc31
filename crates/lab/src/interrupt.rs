//! Ctrl-C: the running stage comes to a stop, and its command says what is kept; a second Ctrl-C stops at once.

use crate::terminal::note;
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Installs the handler.
///
/// # Errors
/// Whatever the operating system says.
pub fn install() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        note("\nstopping after this step; Ctrl-C once more stops at once");
    })
}

/// Whether the user asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
