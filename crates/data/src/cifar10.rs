//! Readers of CIFAR-10's binary batches.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{DataError, Images, Split};

/// Reads CIFAR-10 images from files in its binary format, one after the other.
///
/// The format (Krizhevsky 2009, "Learning multiple layers of features from tiny images"): records of
/// 3073 bytes without a header, namely a label 0 to 9, then 1024 red, 1024 green and 1024 blue bytes,
/// row-major, so 3x32x32 in NCHW.
///
/// # Errors
/// A file that cannot be read, is empty ([`DataError::NoImages`]), is not a whole number of records
/// ([`DataError::CifarLength`]) or has a label above 9 ([`DataError::CifarLabel`]). No paths at all are
/// [`DataError::Empty`].
pub fn read_cifar10<P: AsRef<Path>>(paths: &[P]) -> Result<Images, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        append(path.as_ref(), &mut pixels, &mut labels)?;
    }
    Images::new(pixels, labels, [3, 32, 32])?.with_classes(CLASSES)
}

/// Reads a split of CIFAR-10 from the directory that the published archive unpacks to
/// (`cifar-10-batches-bin`), or from the directory that holds that one.
///
/// The training split is `data_batch_1.bin` to `data_batch_5.bin`, in that order, the test split
/// `test_batch.bin`.
///
/// # Errors
/// [`DataError::FileMissing`] when a file of the split is not there, and those of [`read_cifar10`].
pub fn read_cifar10_directory(directory: &Path, split: Split) -> Result<Images, DataError> {
    let names: Vec<String> = match split {
        Split::Train => (1..=5).map(|batch| format!("data_batch_{batch}.bin")).collect(),
        Split::Test => vec!["test_batch.bin".to_owned()],
    };
    let paths: Result<Vec<PathBuf>, _> = names.iter().map(|name| find(directory, name)).collect();
    read_cifar10(&paths?)
}

/// Bytes of one record: a label and three planes of 32x32.
const RECORD: usize = 1 + 3 * 32 * 32;

/// Number of classes.
const CLASSES: u32 = 10;

fn find(directory: &Path, name: &str) -> Result<PathBuf, DataError> {
    let candidates = [directory.join(name), directory.join("cifar-10-batches-bin").join(name)];
    candidates.into_iter().find(|path| path.is_file()).ok_or_else(|| DataError::FileMissing {
        directory: directory.into(),
        names: vec![name.to_owned(), format!("cifar-10-batches-bin/{name}")],
    })
}

fn append(path: &Path, pixels: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<(), DataError> {
    let bytes = fs::read(path).map_err(|source| DataError::Open { path: path.into(), source })?;
    if bytes.is_empty() {
        return Err(DataError::NoImages { path: path.into() });
    }
    if bytes.len() % RECORD != 0 {
        return Err(DataError::CifarLength { path: path.into(), bytes: bytes.len() as u64 });
    }
    for (record, content) in bytes.chunks_exact(RECORD).enumerate() {
        let label = content[0];
        if u32::from(label) >= CLASSES {
            return Err(DataError::CifarLabel { path: path.into(), record, label });
        }
        labels.push(label.into());
        pixels.extend_from_slice(&content[1..]);
    }
    Ok(())
}
