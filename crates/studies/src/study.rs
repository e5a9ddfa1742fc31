//! What an experiment as a whole is.

use crate::{Cost, Inputs, RunDirectory, RunError, Watch};

/// An experiment over several rows and seeds that can be stopped and gone on with.
pub trait Study {
    /// What it comes to, as plain data.
    type Results;

    /// Reads all images once, so that a missing or foreign file is found before anything is written, and gives their
    /// hashes.
    ///
    /// # Errors
    /// Those of the readers, and images that are not what the rows say.
    fn check(&self) -> Result<Inputs, RunError>;

    /// What each row costs on this machine, in the order of the rows.
    ///
    /// # Errors
    /// Those of a network or a loss that cannot be made.
    fn estimate(&self) -> Result<Vec<Cost>, RunError>;

    /// Does what no earlier run has done. A row that fails does not keep the others from being run.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] when the watcher asks to stop; the next call goes on from there.
    fn run(&self, at: &RunDirectory, watch: &dyn Watch) -> Result<Finished<Self::Results>, RunError>;
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished<R> {
    /// The results, those of earlier runs among them.
    pub results: R,
    /// Rows, and seeds, that came to no end, with the reason in words; they are tried again by the next run.
    pub failed: Vec<String>,
}
