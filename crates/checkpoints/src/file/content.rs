//! What a file is, by its first bytes.

use super::fault::Fault;
use super::file_format::FileFormat;

/// Bytes that tell what a file is.
pub(super) const HEAD: usize = 9;

/// The format of a file that starts with these bytes; its name does not matter.
///
/// A safetensors file has no magic number, but an opening brace after the eight bytes of its header's length;
/// the old format of `torch.save` is a pickle of protocol 2 or later.
///
/// # Errors
///
/// [`Fault::Unrecognised`] says what it looks like instead.
pub(super) fn format(head: &[u8]) -> Result<FileFormat, Fault> {
    match head {
        _ if head.get(8) == Some(&b'{') => Ok(FileFormat::Safetensors),
        [b'P', b'K', 3, 4, ..] => Ok(FileFormat::TorchZip),
        [0x80, 2..=5, ..] => Ok(FileFormat::TorchLegacy),
        _ => Err(Fault::Unrecognised { found: looks_like(head) }),
    }
}

fn looks_like(head: &[u8]) -> &'static str {
    match head {
        [] => "empty",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        [0x1f, 0x8b, ..] => "compressed by gzip",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
        [0x89, b'P', b'N', b'G', ..] => "a PNG picture",
        [b'P', b'K', 5, 6, ..] => "an empty zip archive",
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', ..] => "a Git LFS pointer or another text",
        [b'<', ..] => "a web page",
        _ => "of an unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(format(b"PK\x03\x04rest").unwrap(), FileFormat::TorchZip);
        assert_eq!(format(b"\x80\x02\x8a").unwrap(), FileFormat::TorchLegacy);
        assert_eq!(format(b"\x10\0\0\0\0\0\0\0{").unwrap(), FileFormat::Safetensors);
        for (head, found) in [(&b""[..], "empty"), (b"<!DOCTYPE", "web page"), (b"\x93NUMPY\x01", "NumPy")] {
            assert!(format(head).unwrap_err().to_string().contains(found));
        }
    }
}
