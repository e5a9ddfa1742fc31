//! Samples as the `.npz` files that evaluators of the field read.

use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// One array of an `.npz` file.
pub struct NpyArray<'a> {
    /// Its name, without `.npy`.
    pub name: &'a str,
    /// Its axes, row-major.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: NpyValues<'a>,
}

/// The numbers of an array.
pub enum NpyValues<'a> {
    /// `uint8`.
    Bytes(&'a [u8]),
    /// `float32`.
    Floats(&'a [f32]),
    /// `int64`.
    Integers(&'a [i64]),
}

/// The bytes of an `.npz` file, stored without compression and with a fixed date, so that the same arrays give
/// the same bytes.
///
/// # Errors
/// Those of the archive, e.g. an array of more than 4 GiB.
pub fn npz(arrays: &[NpyArray<'_>]) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    for array in arrays {
        archive.start_file(format!("{}.npy", array.name), options)?;
        archive.write_all(&array.header())?;
        archive.write_all(&array.values.bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Where the numbers of an `.npy` file begin is a multiple of this.
const ALIGNMENT: usize = 64;

impl NpyArray<'_> {
    /// Version 1.0 of the format of NumPy: magic number, length, a Python literal, spaces, a line break.
    fn header(&self) -> Vec<u8> {
        let axes: String = self.shape.iter().map(|n| format!("{n}, ")).collect();
        let kind = self.values.kind();
        let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", axes.trim_end());
        let length = (MAGIC.len() + 2 + text.len() + 1).next_multiple_of(ALIGNMENT) - MAGIC.len() - 2;
        text = format!("{text:<width$}\n", width = length - 1);
        [MAGIC, &(length as u16).to_le_bytes(), text.as_bytes()].concat()
    }
}

/// Magic number and version.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

impl NpyValues<'_> {
    fn kind(&self) -> &'static str {
        match self {
            NpyValues::Bytes(_) => "|u1",
            NpyValues::Floats(_) => "<f4",
            NpyValues::Integers(_) => "<i8",
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            NpyValues::Bytes(values) => values.to_vec(),
            NpyValues::Floats(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            NpyValues::Integers(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let arrays = [
            NpyArray { name: "arr_0", shape: vec![2, 1, 1, 3], values: NpyValues::Bytes(&[1, 2, 3, 4, 5, 6]) },
            NpyArray { name: "arr_1", shape: vec![2], values: NpyValues::Integers(&[7, -1]) },
        ];
        let bytes = npz(&arrays).unwrap();
        assert_eq!(bytes, npz(&arrays).unwrap());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut npy = Vec::new();
        archive.by_name("arr_0.npy").unwrap().read_to_end(&mut npy).unwrap();
        let length = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
        assert_eq!((&npy[..8], (10 + length) % 64), (&b"\x93NUMPY\x01\x00"[..], 0));
        let text = std::str::from_utf8(&npy[10..10 + length]).unwrap();
        assert!(text.starts_with("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1, 3,), }"), "{text}");
        assert!(text.ends_with(" \n"));
        assert_eq!(npy[10 + length..], [1, 2, 3, 4, 5, 6]);
        let mut labels = Vec::new();
        archive.by_name("arr_1.npy").unwrap().read_to_end(&mut labels).unwrap();
        assert!(String::from_utf8_lossy(&labels).contains("'shape': (2,)"));
        assert_eq!(labels[labels.len() - 16..], [7i64.to_le_bytes(), (-1i64).to_le_bytes()].concat());
    }
}
