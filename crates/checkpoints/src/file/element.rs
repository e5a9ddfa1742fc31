//! The element types of PyTorch.

use burn::tensor::{BoolStore, DType};

/// An element type of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    /// One that weights may have.
    Read(DType),
    /// One that occurs beside weights: its name, and the bytes of an element.
    Other(&'static str, usize),
}

impl Element {
    /// By the name of the type, as `float32`.
    pub(super) fn of_dtype(name: &str) -> Option<Self> {
        NAMES.iter().find(|(dtype, _, _)| *dtype == name).map(|(_, _, element)| *element)
    }

    /// By the name of a class of storages, as `FloatStorage`.
    pub(super) fn of_storage(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, storage, _)| !storage.is_empty() && *storage == name).map(|(_, _, element)| *element)
    }

    /// Bytes of an element; those of a type that packs several into a byte have one.
    pub(super) fn size(self) -> usize {
        match self {
            Element::Read(dtype) => dtype.size(),
            Element::Other(_, size) => size,
        }
    }
}

/// Every type: its name, the name of its class of storages where it has one, and what it is here.
const NAMES: [(&str, &str, Element); 47] = [
    ("float64", "DoubleStorage", Element::Read(DType::F64)),
    ("float32", "FloatStorage", Element::Read(DType::F32)),
    ("float16", "HalfStorage", Element::Read(DType::F16)),
    ("bfloat16", "BFloat16Storage", Element::Read(DType::BF16)),
    ("int64", "LongStorage", Element::Read(DType::I64)),
    ("int32", "IntStorage", Element::Read(DType::I32)),
    ("int16", "ShortStorage", Element::Read(DType::I16)),
    ("int8", "CharStorage", Element::Read(DType::I8)),
    ("uint64", "", Element::Read(DType::U64)),
    ("uint32", "", Element::Read(DType::U32)),
    ("uint16", "", Element::Read(DType::U16)),
    ("uint8", "ByteStorage", Element::Read(DType::U8)),
    ("bool", "BoolStorage", Element::Read(DType::Bool(BoolStore::Native))),
    ("complex128", "ComplexDoubleStorage", Element::Other("complex128", 16)),
    ("complex64", "ComplexFloatStorage", Element::Other("complex64", 8)),
    ("complex32", "", Element::Other("complex32", 4)),
    ("bcomplex32", "", Element::Other("bcomplex32", 4)),
    ("float8_e4m3fn", "", Element::Other("float8_e4m3fn", 1)),
    ("float8_e4m3fnuz", "", Element::Other("float8_e4m3fnuz", 1)),
    ("float8_e5m2", "", Element::Other("float8_e5m2", 1)),
    ("float8_e5m2fnuz", "", Element::Other("float8_e5m2fnuz", 1)),
    ("float8_e8m0fnu", "", Element::Other("float8_e8m0fnu", 1)),
    ("float4_e2m1fn_x2", "", Element::Other("float4_e2m1fn_x2", 1)),
    ("qint32", "QInt32Storage", Element::Other("qint32", 4)),
    ("qint8", "QInt8Storage", Element::Other("qint8", 1)),
    ("quint8", "QUInt8Storage", Element::Other("quint8", 1)),
    ("quint4x2", "QUInt4x2Storage", Element::Other("quint4x2", 1)),
    ("quint2x4", "QUInt2x4Storage", Element::Other("quint2x4", 1)),
    ("bits16", "", Element::Other("bits16", 2)),
    ("bits8", "", Element::Other("bits8", 1)),
    ("bits4x2", "", Element::Other("bits4x2", 1)),
    ("bits2x4", "", Element::Other("bits2x4", 1)),
    ("bits1x8", "", Element::Other("bits1x8", 1)),
    ("int1", "", Element::Other("int1", 1)),
    ("int2", "", Element::Other("int2", 1)),
    ("int3", "", Element::Other("int3", 1)),
    ("int4", "", Element::Other("int4", 1)),
    ("int5", "", Element::Other("int5", 1)),
    ("int6", "", Element::Other("int6", 1)),
    ("int7", "", Element::Other("int7", 1)),
    ("uint1", "", Element::Other("uint1", 1)),
    ("uint2", "", Element::Other("uint2", 1)),
    ("uint3", "", Element::Other("uint3", 1)),
    ("uint4", "", Element::Other("uint4", 1)),
    ("uint5", "", Element::Other("uint5", 1)),
    ("uint6", "", Element::Other("uint6", 1)),
    ("uint7", "", Element::Other("uint7", 1)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_sizes_are_torchs() {
        assert_eq!(Element::of_dtype("float16"), Some(Element::Read(DType::F16)));
        assert_eq!(Element::of_storage("ComplexDoubleStorage").map(Element::size), Some(16));
        assert_eq!(Element::of_dtype("uint16").map(Element::size), Some(2));
        assert_eq!((Element::of_storage(""), Element::of_dtype("load")), (None, None));
    }
}
