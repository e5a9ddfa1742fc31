//! Files on disk: the good ones are read exactly, each bad one gives its own error.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use undrift_data::{
    DataError, Dataset, Images, Split, fashion_mnist, read_cifar10, read_cifar10_directory, read_fashion_mnist,
    read_idx,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/data").join(name)
}

fn malformed(name: &str) -> PathBuf {
    fixture("malformed").join(name)
}

fn sidecar(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture(name)).unwrap()).unwrap()
}

/// The integers in arbitrarily nested arrays, in row-major order.
fn flat<N: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> Vec<N> {
    match value {
        Value::Array(inner) => inner.iter().flat_map(flat).collect(),
        number => vec![N::try_from(number.as_u64().unwrap()).unwrap()],
    }
}

/// The error of an IDX file of images, which must name it.
fn idx_error(name: &str) -> DataError {
    let error = read_idx(&malformed(name), &fixture("tiny-labels-idx1-ubyte.gz")).unwrap_err();
    assert!(error.to_string().contains(name), "{error}");
    error
}

fn cifar_error(path: &Path) -> DataError {
    let error = read_cifar10(&[path]).unwrap_err();
    assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    error
}

fn assert_is(images: &Images, expected: &Value, pixels: &str, shape: [usize; 3]) {
    assert_eq!([images.channels(), images.height(), images.width()], shape);
    assert_eq!(images.labels(), flat::<u32>(&expected["labels"]));
    assert_eq!(images.pixels(), flat::<u8>(&expected[pixels]));
}

#[test]
fn idx_is_read_exactly_plain_and_gzip() {
    for name in ["tiny-images-idx3-ubyte", "tiny-images-idx3-ubyte.gz"] {
        let images = read_idx(&fixture(name), &fixture("tiny-labels-idx1-ubyte.gz")).unwrap();
        assert_is(&images, &sidecar("idx_tiny.json"), "images_u8", [1, 28, 28]);
    }
}

#[test]
fn compression_is_seen_in_the_content_not_in_the_name() {
    let directory = tempfile::tempdir().unwrap();
    let (plain, packed) = (directory.path().join("plain.gz"), directory.path().join("packed"));
    fs::copy(fixture("tiny-images-idx3-ubyte"), &plain).unwrap();
    fs::copy(fixture("tiny-images-idx3-ubyte.gz"), &packed).unwrap();
    let labels = fixture("tiny-labels-idx1-ubyte.gz");
    assert_eq!(read_idx(&plain, &labels).unwrap(), read_idx(&packed, &labels).unwrap());
}

#[test]
fn cifar10_is_read_exactly() {
    let (path, expected) = (fixture("cifar10_tiny.bin"), sidecar("cifar10_tiny.json"));
    let images = read_cifar10(&[&path]).unwrap();
    assert_is(&images, &expected, "images_nchw_u8", [3, 32, 32]);
    let twice = read_cifar10(&[&path, &path]).unwrap();
    assert_eq!(twice.subset(&[5, 6, 7, 8, 9]).unwrap(), images);
}

#[test]
fn foreign_idx_files_are_refused() {
    let text = idx_error("not_gzip.gz");
    assert!(matches!(text, DataError::NotIdx { .. }), "{text}");
    let signed = idx_error("idx_wrong_magic.gz");
    assert!(matches!(signed, DataError::IdxElement { code: 9, .. }), "{signed}");
    let labels = idx_error("idx_labels_as_images");
    assert!(matches!(labels, DataError::IdxRank { expected: 3, found: 1, .. }), "{labels}");
}

#[test]
fn idx_files_of_the_wrong_length_are_refused() {
    let absurd = idx_error("idx_absurd_dims");
    assert!(matches!(absurd, DataError::IdxTooLarge { .. }), "{absurd}");
    let short = idx_error("idx_count_too_large.gz");
    let (all, there) = (1006 * 784, 6 * 784);
    assert!(
        matches!(short, DataError::Truncated { promised, found, .. } if promised == all && found < there),
        "{short}"
    );
    for name in ["idx_trailing_bytes", "gzip_bomb_64MiB.gz"] {
        let long = idx_error(name);
        assert!(matches!(long, DataError::Trailing { promised: 3136, .. }), "{long}");
    }
}

#[test]
fn damaged_gzip_streams_are_refused() {
    for name in ["gzip_truncated.gz", "gzip_bad_crc.gz"] {
        let error = idx_error(name);
        assert!(matches!(error, DataError::Gzip { .. }), "{error}");
    }
}

#[test]
fn malformed_cifar_files_are_refused() {
    let empty = cifar_error(&malformed("cifar_empty.bin"));
    assert!(matches!(empty, DataError::NoImages { .. }), "{empty}");
    let cut = cifar_error(&malformed("cifar_truncated.bin"));
    assert!(matches!(cut, DataError::CifarLength { bytes: 15265, .. }), "{cut}");
    let label = cifar_error(&malformed("cifar_label_12.bin"));
    assert!(matches!(label, DataError::CifarLabel { record: 0, label: 12, .. }), "{label}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ten.bin");
    fs::write(&path, [vec![9; 3073], vec![10; 3073]].concat()).unwrap();
    let ten = cifar_error(&path);
    assert!(matches!(ten, DataError::CifarLabel { record: 1, label: 10, .. }), "{ten}");
    let foreign = cifar_error(&fixture("cifar100_tiny.bin"));
    assert!(foreign.to_string().contains("looks like CIFAR-100"), "{foreign}");
}

#[test]
fn every_malformed_file_here_is_in_a_test() {
    let tests = include_str!("files.rs");
    for entry in fs::read_dir(fixture("malformed")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let ours = ["idx_", "cifar_", "gzip_", "not_gzip"].iter().any(|start| name.starts_with(start));
        assert!(!ours || tests.contains(&format!("\"{name}\"")), "{name} is not in a test");
    }
}

#[test]
fn counts_must_agree() {
    let directory = tempfile::tempdir().unwrap();
    let labels = directory.path().join("three-labels");
    fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]).unwrap();
    let error = read_idx(&fixture("tiny-images-idx3-ubyte"), &labels).unwrap_err();
    assert!(matches!(error, DataError::CountsDiffer { images: 4, labels: 3, .. }), "{error}");
}

#[test]
fn missing_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let open = read_idx(&directory.path().join("absent"), &fixture("tiny-labels-idx1-ubyte.gz"));
    assert!(matches!(open, Err(DataError::Open { .. })));
    let mnist = read_fashion_mnist(directory.path(), Split::Test).unwrap_err();
    assert!(mnist.to_string().contains("t10k-images-idx3-ubyte.gz"), "{mnist}");
    fs::copy(fixture("cifar10_tiny.bin"), directory.path().join("data_batch_1.bin")).unwrap();
    let cifar = read_cifar10_directory(directory.path(), Split::Train).unwrap_err();
    assert!(cifar.to_string().contains("data_batch_2.bin"), "{cifar}");
    assert!(matches!(read_cifar10::<&Path>(&[]), Err(DataError::Empty { .. })));
}

#[test]
fn directories_are_read_by_the_published_names() {
    let directory = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| fs::copy(fixture(from), directory.path().join(to)).unwrap();
    copy("tiny-images-idx3-ubyte", "train-images-idx3-ubyte");
    copy("tiny-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte.gz");
    let images = read_fashion_mnist(directory.path(), Split::Train).unwrap();
    assert_is(&images, &sidecar("idx_tiny.json"), "images_u8", [1, 28, 28]);
    fs::create_dir(directory.path().join("cifar-10-batches-bin")).unwrap();
    (1..=5).for_each(|batch| {
        copy("cifar10_tiny.bin", &format!("cifar-10-batches-bin/data_batch_{batch}.bin"));
    });
    copy("cifar10_tiny.bin", "test_batch.bin");
    assert_eq!(read_cifar10_directory(directory.path(), Split::Train).unwrap().len(), 25);
    assert_eq!(read_cifar10_directory(directory.path(), Split::Test).unwrap().len(), 5);
}

#[test]
fn the_embedded_sample_is_the_published_one() {
    let (train, test) = (fashion_mnist(Split::Train), fashion_mnist(Split::Test));
    assert_eq!((train.len(), test.len()), (10_000, 1_000));
    assert_eq!([train.channels(), train.height(), train.width()], [1, 28, 28]);
    // The first labels of the published files, and sums that were computed from those files in Python.
    assert_eq!(train.labels()[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    assert_eq!(test.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    assert_eq!((sum(train.pixels()), sum(test.pixels())), (TRAIN_SUM, TEST_SUM));
    let sum = |labels: &[u32]| labels.iter().map(|&label| u64::from(label)).sum::<u64>();
    assert_eq!((sum(train.labels()), sum(test.labels())), (TRAIN_LABELS, TEST_LABELS));
    assert_eq!([train.classes(), test.reduced().unwrap().classes()], [10, 10]);
}

#[test]
fn the_reduced_sample_is_as_computed_elsewhere() {
    let reduced = fashion_mnist(Split::Test).reduced().unwrap();
    let weighted = reduced.pixels().iter().zip(1u64..).map(|(&byte, place)| u64::from(byte) * place);
    assert_eq!(weighted.sum::<u64>(), REDUCED_SUM);
}

const TRAIN_SUM: u64 = 572388787;
const TEST_SUM: u64 = 58034149;
const TRAIN_LABELS: u64 = 45157;
const TEST_LABELS: u64 = 4363;
const REDUCED_SUM: u64 = 1844836634768;

#[test]
fn labels_that_no_class_has_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("train-images-idx3-ubyte", &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 77]);
    write("train-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 1, 200]);
    let error = undrift_data::read_fashion_mnist(folder.path(), undrift_data::Split::Train).unwrap_err();
    assert!(matches!(error, undrift_data::DataError::ClassLabel { at: 0, label: 200, .. }), "{error}");
    assert!(error.to_string().contains("train-labels-idx1-ubyte"), "{error}");
}
