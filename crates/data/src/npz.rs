//! Samples as the `.npz` files that evaluators of the field read.

use std::io::{self, Seek, Write};
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
    /// `uint8`, images `[N, C, pixels]` that are written as `[N, pixels, C]`.
    ChannelsFirst {
        /// The images.
        images: &'a [u8],
        /// C.
        channels: usize,
        /// Height times width.
        pixels: usize,
    },
    /// `float32`.
    Floats(&'a [f32]),
    /// `int64`.
    Integers(&'a [i64]),
}

/// Writes an `.npz` file, stored without compression and with a fixed date, so that the same arrays give the same
/// bytes. Arrays of any size go through without another copy of them in memory.
///
/// # Errors
/// Those of the archive and of `out`.
pub fn write_npz(out: impl Write + Seek, arrays: &[NpyArray<'_>]) -> zip::result::ZipResult<()> {
    let mut archive = ZipWriter::new(out);
    for array in arrays {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(array.size() > u64::from(u32::MAX));
        archive.start_file(format!("{}.npy", array.name), options)?;
        archive.write_all(&array.header())?;
        array.values.write(&mut archive)?;
    }
    archive.finish()?.flush()?;
    Ok(())
}

/// Bytes of the `.npz` file of these arrays, a little more than it has.
pub fn npz_size(arrays: &[NpyArray<'_>]) -> u64 {
    const AROUND: u64 = 1 << 10;
    arrays.iter().map(|array| array.size() + AROUND).sum()
}

/// Where the numbers of an `.npy` file begin is a multiple of this.
const ALIGNMENT: usize = 64;

impl NpyArray<'_> {
    /// Bytes of its `.npy` file.
    fn size(&self) -> u64 {
        (self.header().len() + self.values.bytes()) as u64
    }

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
            NpyValues::Bytes(_) | NpyValues::ChannelsFirst { .. } => "|u1",
            NpyValues::Floats(_) => "<f4",
            NpyValues::Integers(_) => "<i8",
        }
    }

    /// How many bytes they are.
    fn bytes(&self) -> usize {
        match self {
            NpyValues::Bytes(values) | NpyValues::ChannelsFirst { images: values, .. } => values.len(),
            NpyValues::Floats(values) => size_of_val(*values),
            NpyValues::Integers(values) => size_of_val(*values),
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            NpyValues::Bytes(values) => out.write_all(values),
            NpyValues::ChannelsFirst { images, channels, pixels } => {
                let mut images = images.chunks(channels * pixels);
                images.try_for_each(|image| out.write_all(&channels_last(image, *channels, *pixels)))
            }
            NpyValues::Floats(values) => in_parts(values, |value| value.to_le_bytes(), out),
            NpyValues::Integers(values) => in_parts(values, |value| value.to_le_bytes(), out),
        }
    }
}

/// Writes the bytes of numbers, some thousands of them at a time.
fn in_parts<T: Copy, const N: usize>(values: &[T], bytes: fn(T) -> [u8; N], out: &mut impl Write) -> io::Result<()> {
    const PART: usize = 1 << 13;
    values
        .chunks(PART)
        .try_for_each(|part| out.write_all(&part.iter().flat_map(|value| bytes(*value)).collect::<Vec<_>>()))
}

fn channels_last(image: &[u8], channels: usize, pixels: usize) -> Vec<u8> {
    (0..pixels).flat_map(|pixel| (0..channels).map(move |channel| image[channel * pixels + pixel])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::{Cursor, Read, SeekFrom};

    fn npz(arrays: &[NpyArray<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_npz(Cursor::new(&mut bytes), arrays).unwrap();
        bytes
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let arrays = [
            NpyArray { name: "arr_0", shape: vec![2, 1, 1, 3], values: NpyValues::Bytes(&[1, 2, 3, 4, 5, 6]) },
            NpyArray { name: "arr_1", shape: vec![2], values: NpyValues::Integers(&[7, -1]) },
        ];
        let bytes = npz(&arrays);
        assert_eq!(bytes, npz(&arrays));
        assert!((bytes.len() as u64..2 * bytes.len() as u64 + 4096).contains(&npz_size(&arrays)));
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

    #[test]
    fn pixels_get_their_channels_side_by_side_and_numbers_go_in_parts() {
        let images = NpyValues::ChannelsFirst { images: &[1, 2, 3, 4, 5, 6, 7, 8], channels: 2, pixels: 2 };
        let mut out = Vec::new();
        images.write(&mut out).unwrap();
        assert_eq!(out, [1, 3, 2, 4, 5, 7, 6, 8]);
        let many: Vec<f32> = (0..20_000).map(|number| number as f32).collect();
        let mut out = Vec::new();
        NpyValues::Floats(&many).write(&mut out).unwrap();
        assert_eq!(out, many.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>());
    }

    /// A file of which only the parts that are not zero take memory.
    #[derive(Default)]
    struct Sparse {
        parts: BTreeMap<u64, u8>,
        at: u64,
        len: u64,
    }

    impl Write for Sparse {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() < 4096 || bytes.iter().any(|byte| *byte != 0) {
                for (place, byte) in (self.at..).zip(bytes) {
                    self.parts.insert(place, *byte);
                }
            }
            self.at += bytes.len() as u64;
            self.len = self.len.max(self.at);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Sparse {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let count = bytes.len().min((self.len - self.at) as usize);
            for (place, byte) in (self.at..).zip(&mut bytes[..count]) {
                *byte = self.parts.get(&place).copied().unwrap_or(0);
            }
            self.at += count as u64;
            Ok(count)
        }
    }

    impl Seek for Sparse {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            let moved = match to {
                SeekFrom::Start(place) => Some(place),
                SeekFrom::End(by) => self.len.checked_add_signed(by),
                SeekFrom::Current(by) => self.at.checked_add_signed(by),
            };
            self.at = moved.ok_or(io::ErrorKind::InvalidInput)?;
            Ok(self.at)
        }
    }

    #[test]
    fn arrays_beyond_four_gibibytes_are_written_and_found_again() {
        let (image, count) = (3 * 256 * 256, 22_000);
        let zeros = vec![0; count * image];
        let arrays = [
            NpyArray { name: "arr_0", shape: vec![count, 256, 256, 3], values: NpyValues::Bytes(&zeros) },
            NpyArray { name: "arr_1", shape: vec![2], values: NpyValues::Integers(&[7, -1]) },
        ];
        assert!(arrays[0].size() > u64::from(u32::MAX));
        let mut out = Sparse::default();
        write_npz(&mut out, &arrays).unwrap();
        assert!(out.len > arrays[0].size() && out.len <= npz_size(&arrays), "{}", out.len);
        let mut archive = zip::ZipArchive::new(out).unwrap();
        assert_eq!(archive.by_name("arr_0.npy").unwrap().size(), arrays[0].size());
        let mut start = [0; 128];
        archive.by_name("arr_0.npy").unwrap().read_exact(&mut start).unwrap();
        assert!(String::from_utf8_lossy(&start).contains("(22000, 256, 256, 3,)"));
        let mut labels = Vec::new();
        archive.by_name("arr_1.npy").unwrap().read_to_end(&mut labels).unwrap();
        assert_eq!(labels[labels.len() - 8..], (-1i64).to_le_bytes());
    }
}
