//! What can be wrong with data, naming the file and the remedy.

use std::io;
use std::path::PathBuf;

/// Why images could not be read, or not be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file could not be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could be opened but not read to its end.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A gzip stream is cut short or does not match its check sum.
    #[error("{}: the gzip stream is damaged ({source}); fetch the file again", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// A file begins neither as IDX nor as gzip.
    #[error(
        "{}: not an IDX file, plain or gzip: it begins with the bytes {found:02x?}, an IDX file \
         with 00 00 and a gzip file with 1f 8b",
        path.display()
    )]
    NotIdx {
        /// The file.
        path: PathBuf,
        /// Its first bytes, at most four.
        found: Vec<u8>,
    },
    /// An IDX file holds numbers of another type than unsigned bytes.
    #[error(
        "{}: the IDX header has element type {code:#04x}; only unsigned bytes, type 0x08, are images \
         or labels",
        path.display()
    )]
    IdxElement {
        /// The file.
        path: PathBuf,
        /// Third byte of the header.
        code: u8,
    },
    /// An IDX file has the wrong number of dimensions.
    #[error(
        "{}: the IDX header has {found} dimension(s) where {expected} are needed; images have 3 and \
         labels 1: were the two files exchanged?",
        path.display()
    )]
    IdxRank {
        /// The file.
        path: PathBuf,
        /// Dimensions that were needed.
        expected: u8,
        /// Fourth byte of the header.
        found: u8,
    },
    /// An IDX header promises more bytes than any set of small images has.
    #[error(
        "{}: the IDX header promises {dims:?} elements of a byte, beyond the limit of {limit} bytes; the \
         header is damaged",
        path.display()
    )]
    IdxTooLarge {
        /// The file.
        path: PathBuf,
        /// Promised extent of every dimension.
        dims: Vec<u32>,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A file ends before its header.
    #[error("{}: ends after {found} bytes, within its header of {promised} bytes", path.display())]
    HeaderTruncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header has.
        promised: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// A file ends before its last promised element.
    #[error(
        "{}: the header promises {promised} bytes but only {found} follow; the file is cut short",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises after itself.
        promised: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// A file goes on after its last promised element.
    #[error(
        "{}: goes on after the {promised} bytes that its header promises; it is no IDX file, or was \
         put together wrongly",
        path.display()
    )]
    Trailing {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises after itself.
        promised: u64,
    },
    /// A file holds no image.
    #[error("{}: holds no images", path.display())]
    NoImages {
        /// The file.
        path: PathBuf,
    },
    /// The images and the labels are not of the same set.
    #[error(
        "{} holds {images} images but {} holds {labels} labels; take both files from the same set",
        images_path.display(),
        labels_path.display()
    )]
    CountsDiffer {
        /// File of the images.
        images_path: PathBuf,
        /// Number of images.
        images: usize,
        /// File of the labels.
        labels_path: PathBuf,
        /// Number of labels.
        labels: usize,
    },
    /// A file is not a whole number of CIFAR-10 records.
    #[error(
        "{}: {bytes} bytes are no whole number of CIFAR-10 records of 3073 bytes ({} whole ones and \
         {} bytes); {}",
        path.display(),
        bytes / 3073,
        bytes % 3073,
        if bytes % 3074 == 0 { "this looks like CIFAR-100" } else { "the file is cut short or foreign" }
    )]
    CifarLength {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A CIFAR-10 record names a class that does not exist.
    #[error(
        "{}: record {record} (from 0) has label {label}; CIFAR-10 has labels 0 to 9",
        path.display()
    )]
    CifarLabel {
        /// The file.
        path: PathBuf,
        /// Index of the record, from 0.
        record: usize,
        /// Its first byte.
        label: u8,
    },
    /// A label that no class of MNIST or Fashion-MNIST has.
    #[error("{}: label {at} is {label}, but the classes are 0 to 9; these are not the labels of this data set", path.display())]
    ClassLabel {
        /// The file.
        path: PathBuf,
        /// Index of the label, from 0.
        at: usize,
        /// Its value.
        label: u32,
    },
    /// A label that is no class.
    #[error(
        "label {at} (from 0) is {label}, but there are {classes} classes, counted from 0; correct it, or give more classes"
    )]
    Label {
        /// Index of the label, from 0.
        at: usize,
        /// Its value.
        label: u32,
        /// Number of classes.
        classes: u32,
    },
    /// Another number of labels than of samples.
    #[error("{labels} labels for {samples} samples; give one for each")]
    LabelCount {
        /// Number of labels.
        labels: usize,
        /// Number of samples.
        samples: usize,
    },
    /// Another number of flips than of samples in a batch.
    #[error("{flips} flips for {samples} samples; give one for each, or none at all")]
    Flips {
        /// Number of flips.
        flips: usize,
        /// Samples of the batch.
        samples: usize,
    },
    /// Numbers that are not a whole number of samples.
    #[error("{found} numbers are no whole number of samples of {shape:?} (channels, height, width), and at least one")]
    ValueCount {
        /// Numbers that were given.
        found: usize,
        /// Shape of a sample.
        shape: [usize; 3],
    },
    /// A number of a sample is NaN or infinite.
    #[error("entry {entry} of sample {sample} (both from 0) is {value}; a data set holds finite numbers alone")]
    NotANumber {
        /// Index of the sample.
        sample: usize,
        /// Index of the number in the sample, row-major.
        entry: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// A directory lacks a file of the data set.
    #[error(
        "{}: holds none of {}; give the directory with the unpacked data set",
        directory.display(),
        names.join(", ")
    )]
    FileMissing {
        /// The directory.
        directory: PathBuf,
        /// The names that were looked for.
        names: Vec<String>,
    },
    /// There are no images, or they have no pixels.
    #[error(
        "{count} images of {channels} channels, height {height} and width {width} hold no pixels; \
         every number must be at least 1"
    )]
    Empty {
        /// Number of images.
        count: usize,
        /// Channels of an image.
        channels: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// The number of bytes is not that of the images.
    #[error(
        "{found} bytes of pixels for {count} images of {channels} channels, height {height} and width \
         {width}"
    )]
    PixelCount {
        /// Bytes that were given.
        found: usize,
        /// Number of labels, so of images.
        count: usize,
        /// Channels of an image.
        channels: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// An image was asked for that does not exist.
    #[error("image {index} was asked for, but there are {len} images, numbered from 0")]
    NoSuchImage {
        /// Index that was asked for.
        index: usize,
        /// Number of images.
        len: usize,
    },
    /// Only 28x28 images can be reduced to 16x16.
    #[error("images of {height}x{width} cannot be reduced to 16x16; only 28x28 ones can")]
    NotReducible {
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// Batches of nothing, or from nothing.
    #[error("batches of {size} out of {len} images: both numbers must be at least 1")]
    EmptyBatch {
        /// Number of images.
        len: usize,
        /// Images in a batch.
        size: usize,
    },
    /// A number to be made a byte is NaN or infinite.
    #[error("entry {entry} of image {image} is {value}, which is no colour; the sampler diverged")]
    NotFinite {
        /// Index of the image in the batch.
        image: usize,
        /// Index of the number in the image, row-major.
        entry: usize,
        /// NaN or an infinity.
        value: f64,
    },
}
