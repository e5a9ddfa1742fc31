//! The data sets by name.

use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use std::path::{Path, PathBuf};
use undrift_data::{DataError, Images, Split, fashion_mnist, read_cifar10_directory, read_fashion_mnist};

/// Data sets.
pub struct DataSets;

/// A data set that can be read.
pub struct Source {
    /// Channels, height and width of its images.
    pub shape: [usize; 3],
    /// Number of its classes.
    pub classes: Option<u32>,
    /// Where it lies, for messages.
    pub from: PathBuf,
    /// What it is, for the report.
    pub about: String,
    /// Reads the images of a split.
    pub read: Box<dyn Fn(Split) -> Result<Images, DataError>>,
}

impl Slot for DataSets {
    const NAME: &'static str = "data set";
    const WRITTEN: &'static str = "`[data]`, by `set`";
    type Build = fn(&Values) -> Result<Source, MethodError>;
}

const REDUCED: Parameter =
    Parameter::flag("reduced", Some(false), "reduce 28x28 to 16x16 (zero-pad to 32x32, 2x2 mean, rounded)");

/// Every data set.
pub const DATA_SETS: &[Row<DataSets>] = &[
    Row {
        name: "fashion-mnist-sample",
        about: "the first 10,000 training and 1,000 test images of Fashion-MNIST, embedded in the program",
        parameters: &[REDUCED],
        build: |values| {
            let about = "Fashion-MNIST, the embedded sample (first 10,000 training and 1,000 test images)";
            Ok(fashion(values, about, PathBuf::from("the embedded sample"), |split| Ok(fashion_mnist(split))))
        },
    },
    Row {
        name: "fashion-mnist-idx",
        about: "the four IDX files of Fashion-MNIST, or of MNIST, plain or gzip",
        parameters: &[Parameter::text("path", None, "folder of the files"), REDUCED],
        build: |values| {
            let folder = PathBuf::from(values.text("path"));
            let read = folder.clone();
            let about = "Fashion-MNIST (IDX files)";
            Ok(fashion(values, about, folder, move |split| read_fashion_mnist(&read, split)))
        },
    },
    Row {
        name: "cifar10",
        about: "the binary version of CIFAR-10",
        parameters: &[
            Parameter::text("path", None, "folder of the five `data_batch_N.bin` and `test_batch.bin`"),
            Parameter::flag("reduced", Some(false), "`false`: only images of 28x28 are reduced"),
        ],
        build: |values| {
            if values.flag("reduced") {
                let why = "`data.reduced` is true, but only 28x28 images are reduced; it needs `false`";
                return Err(MethodError::refused(values.method(), why));
            }
            let folder = Path::new(values.text("path")).to_owned();
            let read = folder.clone();
            Ok(Source {
                shape: [3, 32, 32],
                classes: Some(10),
                from: folder,
                about: "CIFAR-10 (binary version)".to_owned(),
                read: Box::new(move |split| read_cifar10_directory(&read, split)),
            })
        },
    },
];

/// Images of 28x28 greys, reduced where that is asked for.
fn fashion(
    values: &Values,
    about: &str,
    from: PathBuf,
    read: impl Fn(Split) -> Result<Images, DataError> + 'static,
) -> Source {
    let reduced = values.flag("reduced");
    let words = if reduced { ", reduced to 16x16 (zero-pad to 32x32, 2x2 mean, rounded)" } else { "" };
    Source {
        shape: if reduced { [1, 16, 16] } else { [1, 28, 28] },
        classes: Some(10),
        from,
        about: format!("{about}{words}"),
        read: Box::new(move |split| {
            let images = read(split)?;
            if reduced { images.reduced() } else { Ok(images) }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;
    use std::fs;

    fn made(text: &str) -> Result<Source, String> {
        Methods::standard().data_set(&text.parse().unwrap()).map_err(|error| error.to_string())
    }

    /// The shape and the classes that a source says, and those of what it reads.
    fn check(source: &Source, split: Split) {
        let images = (source.read)(split).unwrap();
        assert_eq!([images.channels(), images.height(), images.width()], source.shape, "{}", source.about);
        let classes = source.classes.unwrap();
        assert!(images.len() > 0 && images.labels().iter().all(|label| *label < classes), "{}", source.about);
    }

    #[test]
    fn a_source_reads_what_it_says() {
        for text in ["fashion-mnist-sample", "fashion-mnist-sample:reduced=true"] {
            check(&made(text).unwrap(), Split::Test);
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("test_batch.bin"), [[3; 1 + 3072], [7; 1 + 3072]].concat()).unwrap();
        check(&made(&format!("cifar10:path={}", folder.path().display())).unwrap(), Split::Test);
    }

    #[test]
    fn a_folder_is_asked_for_and_named_where_it_is_missing() {
        for row in DATA_SETS.iter().filter(|row| row.name != "fashion-mnist-sample") {
            assert!(made(row.name).err().unwrap().contains("`path`"), "{}", row.name);
            let source = made(&format!("{}:path=/nowhere", row.name)).unwrap();
            assert!((source.read)(Split::Train).unwrap_err().to_string().contains("/nowhere"), "{}", row.name);
        }
        assert!(made("cifar10:path=/nowhere,reduced=true").err().unwrap().contains("`data.reduced` is true"));
    }
}
