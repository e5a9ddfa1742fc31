//! A file that is read by position.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::fault::Fault;

/// An open file that is read by position, a range at a time.
///
/// Reads, not a memory map: no pages of the file stay in the process (weights of 400 MB are read with a peak
/// of 401 MB), no unsafe code is needed, and where another program shortens the file meanwhile, that is an
/// error instead of a signal.
#[derive(Debug)]
pub(super) struct Source {
    file: Mutex<File>,
    /// Bytes in the file when it was opened.
    pub(super) length: u64,
}

impl Source {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`], also for a folder; [`Fault::Unrecognised`] for a device, whose length nobody knows.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        }
        if !metadata.is_file() {
            return Err(Fault::Unrecognised { found: "no regular file (a device, a pipe or a socket)" });
        }
        Ok(Source { file: Mutex::new(file), length: metadata.len() })
    }

    /// The bytes from `start` on, `count` of them.
    ///
    /// The caller has checked that the file is so long, hence that `count` may be allocated.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`], also where the file has become shorter.
    pub(super) fn bytes(&self, start: u64, count: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; count];
        self.fill(start, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads `buffer.len()` bytes from `start` on.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`], also where the file ends before.
    pub(super) fn fill(&self, start: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        Ok(file.read_exact(buffer)?)
    }

    /// The first bytes of the file, at most `count`.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub(super) fn head(&self, count: usize) -> Result<Vec<u8>, Fault> {
        self.bytes(0, count.min(usize::try_from(self.length).unwrap_or(usize::MAX)))
    }

    /// A reader of the whole file with a position of its own.
    pub(super) fn reader(&self) -> SourceReader<'_> {
        SourceReader { source: self, at: 0 }
    }
}

/// A reader of a [`Source`] with a position of its own.
#[derive(Debug)]
pub(super) struct SourceReader<'a> {
    source: &'a Source,
    at: u64,
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.source.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let count = file.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for SourceReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
