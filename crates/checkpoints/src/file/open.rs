//! Opening files of weights of every format.

use std::path::Path;

use super::checkpoint::{Checkpoint, Part};
use super::fault::FileError;
use super::file_format::FileFormat;
use super::source::Source;
use super::{content, safetensors_file, shards, torch_legacy, torch_zip};

impl Checkpoint {
    /// Opens a file of weights; its content says of which format it is, not its name. A file whose name ends in
    /// `.json` is the index of shards, which lie beside it.
    ///
    /// # Errors
    ///
    /// [`FileError`], for whatever is wrong with the file or one of its shards.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        match path.extension().is_some_and(|ending| ending == "json") {
            true => shards::open(path, file),
            false => file(path),
        }
    }
}

fn file(path: &Path) -> Result<Checkpoint, FileError> {
    let of_file = FileError::of(path);
    let source = Source::open(path).map_err(&of_file)?;
    let format = source.head(content::HEAD).and_then(|head| content::format(&head)).map_err(&of_file)?;
    let contents = match format {
        FileFormat::Safetensors => safetensors_file::contents(&source),
        FileFormat::TorchZip => torch_zip::contents(&source),
        FileFormat::TorchLegacy => torch_legacy::contents(&source),
    };
    let parts = vec![Part { path: path.into(), source }];
    Ok(Checkpoint { parts, format, contents: contents.map_err(&of_file)? })
}
