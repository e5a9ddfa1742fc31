//! A file of samples of equal size, appended to batch by batch.

use crate::RunError;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// An open file of samples.
pub(crate) struct Appended<'a> {
    path: &'a Path,
    file: File,
    size: usize,
    pub(crate) done: usize,
}

impl<'a> Appended<'a> {
    /// Opens or creates it, and cuts off what lies beyond the `kept` of its samples.
    pub(crate) fn open(path: &'a Path, size: usize, kept: impl FnOnce(usize) -> usize) -> Result<Self, RunError> {
        let failed = |source| RunError::Io { doing: "open", path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let done = kept(file.metadata().map_err(failed)?.len() as usize / size);
        file.set_len((done * size) as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { path, file, size, done })
    }

    pub(crate) fn append(&mut self, bytes: &[u8], samples: usize) -> Result<(), RunError> {
        self.file.write_all(bytes).and_then(|()| self.file.sync_data()).map_err(|source| RunError::Io {
            doing: "write",
            path: self.path.to_owned(),
            source,
        })?;
        self.done += samples;
        Ok(())
    }

    pub(crate) fn read(mut self, count: usize) -> Result<Vec<u8>, RunError> {
        let mut bytes = vec![0; count * self.size];
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| RunError::Io { doing: "read", path: self.path.to_owned(), source })?;
        Ok(bytes)
    }
}
