//! Why a task did not succeed.

/// Why a task did not succeed.
pub(crate) enum Failure {
    /// A program that the task started failed and has said why.
    Exit(u8),
    /// Something to tell the user.
    Message(String),
}
