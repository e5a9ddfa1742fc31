//! A file or embedded bytes, unpacked if they are gzip, read with a limit.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::DataError;

/// A file, or bytes in memory, whose gzip layer has been taken off if it had one.
pub(crate) struct Opened<'a> {
    name: &'a Path,
    reader: Box<dyn Read + 'a>,
    gzip: bool,
}

impl<'a> Opened<'a> {
    /// Opens a file; whether it is gzip is decided by its first two bytes, never by its name.
    pub(crate) fn file(path: &'a Path) -> Result<Self, DataError> {
        let error = |source| DataError::Open { path: path.into(), source };
        let file = File::open(path).map_err(error)?;
        Opened::new(path, BufReader::new(file))
    }

    /// The same for anything that can be read; `name` stands in the messages.
    pub(crate) fn new(name: &'a Path, mut reader: impl BufRead + 'a) -> Result<Self, DataError> {
        let error = |source| DataError::Read { path: name.into(), source };
        let gzip = reader.fill_buf().map_err(error)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn Read + 'a> = if gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
        Ok(Opened { name, reader, gzip })
    }

    /// Name for messages.
    pub(crate) fn name(&self) -> &'a Path {
        self.name
    }

    /// At most `limit` further bytes. Memory is taken as bytes arrive, whatever the limit is.
    pub(crate) fn read_at_most(&mut self, limit: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(limit).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|source| self.error(source))
    }

    fn error(&self, source: io::Error) -> DataError {
        let path = self.name.into();
        if self.gzip { DataError::Gzip { path, source } } else { DataError::Read { path, source } }
    }
}
