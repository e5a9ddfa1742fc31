//! Files that are the old one or the new one at any moment.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts `bytes` into the file at `path` so that at any moment, power cuts included, the file there is whole: the
/// old one or the new one.
///
/// # Errors
///
/// What the system says; a file that was there before is untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_atomically(path, |file| file.write_all(bytes))
}

/// The same for content that is written piece by piece, by whoever has an error of its own.
///
/// It is written to `<path>.tmp`, forced to the disk and renamed. A `.tmp` file that a stopped program left behind is
/// overwritten.
///
/// # Errors
///
/// Those of `content`, and what the system says; a file that was there before is untouched.
pub fn replace_atomically<E: From<io::Error>>(
    path: &Path,
    content: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let temporary = temporary(path);
    let mut file = File::create(&temporary)?;
    content(&mut file)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    Ok(sync_directory(path)?)
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".tmp");
    name.into()
}

/// Forces the new name to the disk, where directories can be opened.
fn sync_directory(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.safetensors");
        for content in ["one", "two"] {
            fs::write(temporary(&path), "left behind, and longer").unwrap();
            write_atomically(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_failure_leaves_the_old_file_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.safetensors");
        fs::write(&path, "old").unwrap();
        // A directory in the way of the temporary file: it cannot be created, and never is the target.
        fs::create_dir(temporary(&path)).unwrap();
        assert!(write_atomically(&path, b"new").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}
