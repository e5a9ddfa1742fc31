//! Places for files, tried before the work begins, so that hours of it are not lost for want of a folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};
use undrift_studies::memory;

/// Why nothing can be written to a place.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DestinationError {
    /// A file was asked for where a folder is.
    #[error("{} is a folder; name a file in it", path.display())]
    Folder {
        /// The path.
        path: PathBuf,
    },
    /// A folder was asked for where a file is.
    #[error("{} is a file; name a folder", path.display())]
    File {
        /// The path.
        path: PathBuf,
    },
    /// A device, a pipe or a socket, which no file can replace.
    #[error("{} is a device or a pipe; name a file", path.display())]
    Special {
        /// The path.
        path: PathBuf,
    },
    /// The folder of a file does not exist.
    #[error("there is no folder {} to write into; make it first", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk is too full.
    #[error("{} needs {}, but the disk has {} left", path.display(), memory::said(*needed), memory::said(*left))]
    Full {
        /// The path.
        path: PathBuf,
        /// Bytes that will be written.
        needed: u64,
        /// Bytes that there are.
        left: u64,
    },
    /// The system refuses.
    #[error("cannot write {}: {source}; check the path, its permissions and the space on the disk", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A file that will be written: until then an empty one beside its place, which goes away if nothing comes of it.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    beside: NamedTempFile,
}

impl Destination {
    /// Makes sure that a file can be written at `path`; one that is there stays until [`write`](Self::write).
    ///
    /// # Errors
    /// [`DestinationError`]: the path is a folder, a device or a pipe; its folder does not exist or cannot be written.
    pub fn open(path: &Path) -> Result<Self, DestinationError> {
        let place = path.to_owned();
        let named_as_folder = path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(DestinationError::Folder { path: place }),
            Ok(found) if !found.is_file() => return Err(DestinationError::Special { path: place }),
            Err(_) if named_as_folder || path.file_name().is_none() => {
                return Err(DestinationError::Folder { path: place });
            }
            _ => {}
        }
        let folder = folder_of(path);
        if !folder.is_dir() {
            return Err(DestinationError::NoFolder { folder });
        }
        let beside = beside(&folder).map_err(|source| DestinationError::Write { path: path.to_owned(), source })?;
        Ok(Destination { path: place, beside })
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a file that will be larger than the space on its disk.
    ///
    /// # Errors
    /// [`DestinationError::Full`].
    pub fn make_room(&self, needed: u64) -> Result<(), DestinationError> {
        match space(&folder_of(&self.path)) {
            Some(left) if left < needed => Err(DestinationError::Full { path: self.path.clone(), needed, left }),
            _ => Ok(()),
        }
    }

    /// Writes the whole file, which then takes its place: readers see the old one or the new one, never a part.
    ///
    /// # Errors
    /// [`DestinationError::Write`]; a file that was there before is untouched.
    pub fn write(self, content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> Result<(), DestinationError> {
        let Destination { path, beside } = self;
        let failed = |source| DestinationError::Write { path: path.clone(), source };
        let mut out = BufWriter::new(beside.as_file());
        content(&mut out).and_then(|()| out.flush()).map_err(failed)?;
        drop(out);
        beside.as_file().sync_all().map_err(failed)?;
        beside.persist(&path).map(|_| ()).map_err(|error| failed(error.error))
    }
}

/// A folder that files will be written into; one that was made for nothing goes away again.
#[derive(Debug)]
pub struct DestinationFolder {
    path: PathBuf,
    made: bool,
}

impl DestinationFolder {
    /// Makes sure that files can be written into a folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`DestinationError`]: the path is a file, or the folder cannot be made or written.
    pub fn open(path: &Path) -> Result<Self, DestinationError> {
        let failed = |source| DestinationError::Write { path: path.to_owned(), source };
        let made = match fs::metadata(path) {
            Ok(found) if found.is_dir() => false,
            Ok(found) if found.is_file() => return Err(DestinationError::File { path: path.to_owned() }),
            Ok(_) => return Err(DestinationError::Special { path: path.to_owned() }),
            Err(_) => fs::create_dir_all(path).map(|()| true).map_err(failed)?,
        };
        beside(path).map_err(failed)?;
        Ok(DestinationFolder { path: path.to_owned(), made })
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DestinationFolder {
    /// The system refuses to remove a folder that holds something.
    fn drop(&mut self) {
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// A file of its own in a folder, with the permissions that any new file gets.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".undrift-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Bytes that may still be written to the disk of a folder, where the system tells.
fn space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    return rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    #[cfg(not(unix))]
    return None;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        Destination::open(path).unwrap_err().to_string()
    }

    #[test]
    fn a_file_takes_its_place_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bin");
        fs::write(&path, "old").unwrap();
        let failing = |_: &mut BufWriter<&File>| Err(io::Error::other("the sampler broke"));
        let error = Destination::open(&path).unwrap().write(failing).unwrap_err().to_string();
        assert!(error.contains("out.bin") && error.contains("the sampler broke"), "{error}");
        drop(Destination::open(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        Destination::open(&path).unwrap().write(|out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        fs::write(folder.path().join("usual"), "").unwrap();
        Destination::open(&folder.path().join("ours")).unwrap().write(|_| Ok(())).unwrap();
        assert_eq!(mode("ours"), mode("usual"));
    }

    #[test]
    fn impossible_places_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        for (path, words) in [
            (folder.path().to_owned(), "is a folder"),
            (at("new/"), "is a folder"),
            (at("absent/out.png"), "absent to write into"),
            (at("file/out.png"), "file to write into"),
            (PathBuf::new(), "is a folder"),
        ] {
            let error = refused(&path);
            assert!(error.contains(words), "{}: {error}", path.display());
        }
        assert!(DestinationFolder::open(&at("file")).unwrap_err().to_string().contains("is a file"));
        assert!(DestinationFolder::open(&at("file/inside")).unwrap_err().to_string().contains("cannot write"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_no_places_for_files() {
        for device in ["/dev/null", "/dev/full"] {
            assert!(refused(Path::new(device)).contains("device or a pipe"));
            assert!(DestinationFolder::open(Path::new(device)).unwrap_err().to_string().contains("device or a pipe"));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn folders_that_cannot_be_written_are_refused_for_every_user() {
        let error = refused(Path::new("/proc/out.png"));
        assert!(error.contains("cannot write") && error.contains("/proc/out.png"), "{error}");
        assert!(DestinationFolder::open(Path::new("/proc")).unwrap_err().to_string().contains("cannot write"));
        assert!(DestinationFolder::open(Path::new("/proc/new")).unwrap_err().to_string().contains("cannot write"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_beyond_the_disk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let place = Destination::open(&folder.path().join("out.npz")).unwrap();
        place.make_room(1 << 10).unwrap();
        let error = place.make_room(1 << 62).unwrap_err().to_string();
        assert!(error.contains("out.npz") && error.contains("4.0 EiB") && error.contains("left"), "{error}");
    }
}
