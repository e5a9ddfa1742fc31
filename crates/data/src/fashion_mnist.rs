//! Fashion-MNIST: the embedded sample, and the full set from a directory.

use std::path::{Path, PathBuf};

use crate::opened::Opened;
use crate::{DataError, Images, Split, idx, read_idx};

/// Classes of MNIST and of Fashion-MNIST.
const CLASSES: u32 = 10;

/// The embedded sample of Fashion-MNIST: the first 10,000 training images or the first 1,000 test
/// images, 1x28x28, with labels 0 to 9 (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747).
///
/// The images are copyright Zalando SE under the MIT licence, which lies beside the files in
/// `fashion-mnist/`. Every call unpacks them anew.
pub fn fashion_mnist(split: Split) -> Images {
    let (images, labels): (&[u8], &[u8]) = match split {
        Split::Train => (
            include_bytes!("../fashion-mnist/train-images-first-10000.gz"),
            include_bytes!("../fashion-mnist/train-labels-first-10000.gz"),
        ),
        Split::Test => (
            include_bytes!("../fashion-mnist/test-images-first-1000.gz"),
            include_bytes!("../fashion-mnist/test-labels-first-1000.gz"),
        ),
    };
    let open = |bytes| Opened::new(Path::new("embedded Fashion-MNIST"), bytes);
    let opened = open(images).and_then(|images| Ok((images, open(labels)?)));
    let read = opened.and_then(|(images, labels)| idx::images_of(images, labels)?.with_classes(CLASSES));
    read.expect("the embedded files are well-formed")
}

/// Reads a whole split of MNIST or Fashion-MNIST from a directory with its published files.
///
/// The names are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, with or without `.gz`. Debian's package `dataset-fashion-mnist` puts them
/// into `/usr/share/datasets/fashion-mnist`.
///
/// # Errors
/// [`DataError::FileMissing`] when a file is not there, [`DataError::ClassLabel`] for a label above 9, and those of
/// [`read_idx`].
pub fn read_fashion_mnist(directory: &Path, split: Split) -> Result<Images, DataError> {
    let part = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images = find(directory, format!("{part}-images-idx3-ubyte"))?;
    let labels = find(directory, format!("{part}-labels-idx1-ubyte"))?;
    let read = read_idx(&images, &labels)?;
    match read.labels().iter().position(|&label| label >= CLASSES) {
        None => read.with_classes(CLASSES),
        Some(at) => Err(DataError::ClassLabel { path: labels, at, label: read.labels()[at] }),
    }
}

fn find(directory: &Path, name: String) -> Result<PathBuf, DataError> {
    let names = vec![format!("{name}.gz"), name];
    let found = names.iter().map(|name| directory.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| DataError::FileMissing { directory: directory.into(), names })
}
