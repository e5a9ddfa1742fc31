//! Readers of MNIST's IDX files, plain or gzip.

use std::path::Path;

use crate::opened::Opened;
use crate::{DataError, Images};

/// Reads a file of images and a file of labels in the IDX format of MNIST, plain or gzip.
///
/// The format (LeCun, Cortes and Burges 1998, "The MNIST database of handwritten digits"): two zero
/// bytes, the element type, the number of dimensions, every extent as a big-endian u32, the elements.
/// Images are `[n, height, width]` unsigned bytes and become one channel; labels are `[n]`. Whether a
/// file is gzip is seen from its first two bytes, not from its name.
///
/// No more than what the header promises is unpacked or kept, plus one byte that tells whether the file
/// goes on, which is an error; a header cannot reserve memory; and more than 4 GiB are never read.
///
/// # Errors
/// A file that cannot be read, a damaged gzip stream, a foreign header, too few or too many bytes, no
/// images, different numbers of images and labels: each variant names the file.
pub fn read_idx(images: &Path, labels: &Path) -> Result<Images, DataError> {
    images_of(Opened::file(images)?, Opened::file(labels)?)
}

/// Images of two opened IDX files.
pub(crate) fn images_of(images: Opened<'_>, labels: Opened<'_>) -> Result<Images, DataError> {
    let (images_path, labels_path) = (images.name(), labels.name());
    let ([count, height, width], pixels) = read::<3>(images)?;
    let ([label_count], labels) = read::<1>(labels)?;
    if count != label_count {
        return Err(DataError::CountsDiffer {
            images_path: images_path.into(),
            images: count,
            labels_path: labels_path.into(),
            labels: label_count,
        });
    }
    Images::new(pixels, labels.into_iter().map(u32::from).collect(), [1, height, width])
}

/// Bytes that are read at most, whatever the header says.
const LIMIT: u64 = 1 << 32;

/// Element type of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// Extents and elements of an IDX file of `RANK` dimensions.
fn read<const RANK: usize>(mut file: Opened<'_>) -> Result<([usize; RANK], Vec<u8>), DataError> {
    check_magic(&mut file, RANK as u8)?;
    let dims = read_dims::<RANK>(&mut file)?;
    let path = file.name();
    if dims.contains(&0) {
        return Err(DataError::NoImages { path: path.into() });
    }
    let too_large = || DataError::IdxTooLarge { path: path.into(), dims: dims.into(), limit: LIMIT };
    let promised = product(&dims).filter(|&bytes| bytes <= LIMIT).ok_or_else(too_large)?;
    let elements = file.read_at_most(promised + 1)?;
    check_length(path, promised, elements.len() as u64)?;
    Ok((dims.map(|extent| extent as usize), elements))
}

fn check_magic(file: &mut Opened<'_>, rank: u8) -> Result<(), DataError> {
    let magic = file.read_at_most(4)?;
    let path = file.name().into();
    match magic[..] {
        [0, 0, UNSIGNED_BYTE, found] if found == rank => Ok(()),
        [0, 0, UNSIGNED_BYTE, found] => Err(DataError::IdxRank { path, expected: rank, found }),
        [0, 0, code, _] => Err(DataError::IdxElement { path, code }),
        _ => Err(DataError::NotIdx { path, found: magic }),
    }
}

fn read_dims<const RANK: usize>(file: &mut Opened<'_>) -> Result<[u32; RANK], DataError> {
    let header = file.read_at_most(4 * RANK as u64)?;
    if header.len() < 4 * RANK {
        let (promised, found) = (4 * (RANK as u64 + 1), header.len() as u64 + 4);
        return Err(DataError::HeaderTruncated { path: file.name().into(), promised, found });
    }
    let extent = |at: usize| std::array::from_fn(|byte| header[4 * at + byte]);
    Ok(std::array::from_fn(|at| u32::from_be_bytes(extent(at))))
}

/// Product of the extents, unless it exceeds 64 bits.
fn product(dims: &[u32]) -> Option<u64> {
    dims.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent.into()))
}

fn check_length(path: &Path, promised: u64, found: u64) -> Result<(), DataError> {
    if found < promised {
        return Err(DataError::Truncated { path: path.into(), promised, found });
    }
    if found > promised {
        return Err(DataError::Trailing { path: path.into(), promised });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::io::{BufReader, Read};

    fn header(dims: [u32; 3]) -> Vec<u8> {
        let extents = dims.into_iter().flat_map(u32::to_be_bytes);
        [0, 0, 8, 3].into_iter().chain(extents).collect()
    }

    /// An endless file of which we can see how much was read.
    struct Endless<'a>(&'a Cell<u64>);

    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(0);
            self.0.set(self.0.get() + buffer.len() as u64);
            Ok(buffer.len())
        }
    }

    #[test]
    fn no_more_is_read_than_the_header_promises() {
        let (taken, start) = (Cell::new(0), header([5, 10, 20]));
        let reader = BufReader::with_capacity(64, start.chain(Endless(&taken)));
        let error = read::<3>(Opened::new(Path::new("endless"), reader).unwrap()).unwrap_err();
        assert!(matches!(error, DataError::Trailing { promised: 1000, .. }), "{error}");
        assert!(taken.get() <= 1000 + 64, "{} bytes were read", taken.get());
    }

    #[test]
    fn headers_beyond_the_limit_read_nothing() {
        for dims in [[u32::MAX; 3], [1 << 13, 1 << 10, 1 << 10], [4097, 1 << 10, 1 << 10]] {
            let (taken, start) = (Cell::new(0), header(dims));
            let reader = BufReader::with_capacity(64, start.chain(Endless(&taken)));
            let error = read::<3>(Opened::new(Path::new("huge"), reader).unwrap()).unwrap_err();
            assert!(matches!(error, DataError::IdxTooLarge { .. }), "{error}");
            assert!(taken.get() <= 64, "{} bytes were read", taken.get());
        }
    }

    #[test]
    fn short_and_empty_headers_are_named() {
        let error = |bytes: &[u8]| read::<3>(Opened::new(Path::new("short"), bytes).unwrap()).unwrap_err();
        assert!(matches!(error(&[]), DataError::NotIdx { found, .. } if found.is_empty()));
        assert!(matches!(error(&[0, 0, 8]), DataError::NotIdx { .. }));
        let cut = error(&header([1, 2, 3])[..9]);
        assert!(matches!(cut, DataError::HeaderTruncated { promised: 16, found: 9, .. }), "{cut}");
        let none = error(&header([0, 28, 28]));
        assert!(matches!(none, DataError::NoImages { .. }), "{none}");
    }
}
