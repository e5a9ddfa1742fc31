//! Programs that tasks start, and where.

use crate::failure::Failure;
use std::path::Path;
use std::process::Command;

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// A cargo command, the same cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Becomes the command, where the system can.
///
/// Ctrl-C then reaches the program alone, and the shell waits until it has saved its state.
pub(crate) fn replace_by(command: &mut Command) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        let error = std::os::unix::process::CommandExt::exec(command);
        Err(Failure::Message(format!("cannot start {:?}: {error}", command.get_program())))
    }
    #[cfg(not(unix))]
    {
        finish(command)
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Result<(), Failure> {
    let status =
        command.status().map_err(|e| Failure::Message(format!("cannot start {:?}: {e}", command.get_program())))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Exit(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
