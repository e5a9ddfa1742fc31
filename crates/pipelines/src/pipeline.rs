//! A published folder or file, understood; its weights are not read yet.

use crate::said::scheduler_beside;
use crate::{Process, Said, Yml};
use std::path::Path;
use undrift_checkpoints::layouts::diffusers::SCHEDULER_WORDS;
use undrift_checkpoints::{Assumed, CheckpointError, Layout, Published};

/// A published folder or file that is understood.
pub struct Pipeline {
    /// Its network, which [`Published::load`] reads.
    pub published: Published,
    /// The forward process that it was trained with.
    pub process: Process,
    /// What was taken for the network where neither tensors nor settings say anything.
    pub assumed: Vec<Assumed>,
    /// A `yml` file beside the weights.
    pub beside: Option<Yml>,
}

impl Pipeline {
    /// Opens a file, or a folder as diffusers writes it.
    ///
    /// # Errors
    /// [`CheckpointError`]: a file that cannot be read or is no checkpoint, settings that are missing, unknown or those
    /// of another network.
    pub fn open(path: &Path, said: &Said) -> Result<Self, CheckpointError> {
        let (given, beside) = said.given(path)?;
        let published = Published::open(path, &given)?;
        let scheduler = scheduler_beside(published.path())?;
        let settings = match published.layout() {
            Layout::Diffusers => scheduler.overlaid(&said.settings()?.only(&SCHEDULER_WORDS)),
            _ => published.settings().clone(),
        };
        let process = Process::of(published.layout(), &settings, published.config())?;
        let assumed = published.layout().assumed(published.settings())?;
        Ok(Pipeline { published, process, assumed, beside })
    }
}
