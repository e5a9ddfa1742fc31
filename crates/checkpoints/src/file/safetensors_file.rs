//! Safetensors files.
//!
//! The safetensors crate reads the header's dtypes; the header itself is read here, as the crate wants the
//! whole file in memory, takes the last of two tensors of one name, and does not name a tensor of a wrong size.

use std::collections::BTreeMap;
use std::fmt;

use burn::tensor::{BoolStore, DType};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo as Described;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::contents::Contents;
use super::fault::Fault;
use super::group::{Group, Unread};
use super::source::Source;
use super::tensor::{Place, TensorInfo, check_size, contiguous, count};

/// Bytes of the header's own length.
const LENGTH: u64 = 8;

/// The most bytes that the format allows a header to have.
const LONGEST_HEADER: u64 = 100_000_000;

/// The header's key of the free text.
const METADATA: &str = "__metadata__";

/// What a safetensors file holds: one group of the empty name, in the order of the data.
///
/// # Errors
///
/// A [`Fault`] that names the tensor for a header that the file does not keep.
pub(super) fn contents(source: &Source) -> Result<Contents, Fault> {
    let (header, data) = header(source)?;
    let mut described = header.tensors;
    described.sort_by_key(|(_, tensor)| tensor.data_offsets);
    let (mut expected, mut tensors, mut unread) = (0, Vec::new(), Vec::new());
    for (name, described) in described {
        let place = checked(&name, &described, expected, data)?;
        expected = described.data_offsets.1 as u64;
        match element_type(described.dtype) {
            Some(dtype) => tensors.push((TensorInfo { name, shape: described.shape, dtype }, place)),
            None => unread.push(Unread { name, why: other_type(described.dtype) }),
        }
    }
    if expected != source.length - data {
        return Err(Fault::DataLength { described: expected, found: source.length - data });
    }
    let groups = vec![Group::new("", true, tensors, unread)?];
    Ok(Contents { groups, metadata: header.metadata, ..Contents::default() })
}

/// The header, and the byte where the data start.
fn header(source: &Source) -> Result<(Header, u64), Fault> {
    let mut length = [0; LENGTH as usize];
    source.fill(0, &mut length)?;
    let length = u64::from_le_bytes(length);
    let available = (source.length - LENGTH).min(LONGEST_HEADER);
    if length > available {
        return Err(Fault::HeaderLength { length, available });
    }
    let bytes = source.bytes(LENGTH, length as usize)?;
    Ok((serde_json::from_slice(&bytes).map_err(Fault::Header)?, LENGTH + length))
}

/// The place of a tensor whose shape, type and offsets agree.
fn checked(name: &str, described: &Described, expected: u64, data: u64) -> Result<Place, Fault> {
    let (tensor, shape) = (|| name.to_owned(), || described.shape.clone());
    check_size(name, described.shape.len())?;
    let (start, end) = (described.data_offsets.0 as u64, described.data_offsets.1 as u64);
    let bits = count(&described.shape).and_then(|count| count.checked_mul(described.dtype.bitsize()));
    let Some(bits) = bits else { return Err(Fault::Overflow { tensor: tensor(), shape: shape() }) };
    let (needed, found) = (bits.div_ceil(8) as u64, end.saturating_sub(start));
    if needed != found {
        return Err(Fault::Extent { tensor: tensor(), shape: shape(), needed, found });
    }
    if start != expected || end < start {
        return Err(Fault::Place { tensor: tensor(), start, expected });
    }
    Ok(Place { part: 0, start: data.saturating_add(start), strides: contiguous(&described.shape) })
}

/// Our name of a type, if it is read.
fn element_type(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::BOOL => DType::Bool(BoolStore::Native),
        Dtype::U8 => DType::U8,
        Dtype::I8 => DType::I8,
        Dtype::I16 => DType::I16,
        Dtype::U16 => DType::U16,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I32 => DType::I32,
        Dtype::U32 => DType::U32,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::I64 => DType::I64,
        Dtype::U64 => DType::U64,
        _ => return None,
    })
}

/// What a type that is not read is called.
fn other_type(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::C64 => "complex64",
        Dtype::F8_E4M3 => "float8_e4m3fn",
        Dtype::F8_E5M2 => "float8_e5m2",
        Dtype::F8_E8M0 => "float8_e8m0fnu",
        Dtype::F8_E4M3FNUZ => "float8_e4m3fnuz",
        Dtype::F8_E5M2FNUZ => "float8_e5m2fnuz",
        _ => "a type of less than a byte",
    }
}

/// A header with every entry that it has, also two of one name.
#[derive(Debug, Default)]
struct Header {
    tensors: Vec<(String, Described)>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                header.metadata = map.next_value()?;
            } else {
                let tensor = map.next_value()?;
                header.tensors.push((name, tensor));
            }
        }
        Ok(header)
    }
}
