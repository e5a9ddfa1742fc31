//! What may be wrong with a file of golden vectors, by the manifest.

/// The file's name.
pub const MANIFEST: &str = "MANIFEST.json";

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// It is listed and not there.
    #[error("it is listed in {MANIFEST} and is not there; restore it")]
    Missing,
    /// It is not the one that was listed.
    #[error("it is not the file that {MANIFEST} lists; restore it, or write the manifest anew with --write-manifest")]
    Changed,
    /// It is there and not listed.
    #[error("{MANIFEST} does not list it; remove it, or write the manifest anew with --write-manifest")]
    Unlisted,
}
