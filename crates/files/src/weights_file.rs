//! Named tensors as safetensors bytes, the same bytes for the same tensors.

use std::collections::{BTreeMap, HashSet};

use burn::tensor::{DType, TensorData};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use crate::WeightsError;

/// Named tensors and the notes that came with them in one safetensors file.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Tensors by dotted name, in the order of the file.
    pub parameters: Vec<(String, TensorData)>,
    /// Free text about the file, by key.
    pub metadata: BTreeMap<String, String>,
}

/// A safetensors file of these tensors, in this order, with `metadata` in its header.
///
/// The same input gives the same bytes (the safetensors crate's own writer leaves the order of the
/// metadata to chance, so the header is written here). Writing them to disk is the caller's concern.
///
/// # Errors
///
/// [`WeightsError::ElementType`] for anything but f32 and f64, [`WeightsError::Name`] for a name that
/// occurs twice or is `__metadata__`.
pub fn to_bytes(
    parameters: &[(String, TensorData)],
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    let mut header = header(parameters, metadata)?.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut header);
    for (_, data) in parameters {
        bytes.extend_from_slice(data.as_bytes());
    }
    Ok(bytes)
}

/// Reads a safetensors file of f32 and f64 tensors.
///
/// # Errors
///
/// [`WeightsError::Malformed`] for bytes that are no such file or not all of it,
/// [`WeightsError::ElementType`] for a tensor of another type.
pub fn from_bytes(bytes: &[u8]) -> Result<Weights, WeightsError> {
    let (length, header) = SafeTensors::read_metadata(bytes)?;
    let values = &bytes[LENGTH + length..];
    let parameters = header.offset_keys().into_iter().map(|name| {
        let data = read_tensor(&name, &header, values)?;
        Ok((name, data))
    });
    let parameters = parameters.collect::<Result<_, WeightsError>>()?;
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    Ok(Weights { parameters, metadata })
}

/// Bytes of the header's own length at the head of the file.
const LENGTH: usize = 8;

/// Tensor data starts at a multiple of this.
const ALIGNMENT: usize = 8;

/// The header's key of the free text.
const METADATA: &str = "__metadata__";

fn header(parameters: &[(String, TensorData)], metadata: &BTreeMap<String, String>) -> Result<Value, WeightsError> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert(METADATA.into(), json!(metadata));
    }
    let (mut offset, mut names) = (0, HashSet::from([METADATA]));
    for (name, data) in parameters {
        if !names.insert(name) {
            return Err(WeightsError::Name { name: name.clone() });
        }
        let end = offset + data.as_bytes().len();
        let (dtype, shape) = (dtype_name(name, data)?, data.shape().to_vec());
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}));
        offset = end;
    }
    Ok(Value::Object(header))
}

fn dtype_name(name: &str, data: &TensorData) -> Result<&'static str, WeightsError> {
    match data.dtype() {
        DType::F32 => Ok("F32"),
        DType::F64 => Ok("F64"),
        other => Err(WeightsError::ElementType { name: name.into(), dtype: format!("{other:?}") }),
    }
}

fn read_tensor(name: &str, header: &Metadata, values: &[u8]) -> Result<TensorData, WeightsError> {
    let TensorInfo { dtype, shape, data_offsets: (start, end) } =
        header.info(name).expect("the header lists its own names");
    let bytes = &values[*start..*end];
    match dtype {
        Dtype::F32 => Ok(TensorData::new(elements(bytes, f32::from_le_bytes), shape.clone())),
        Dtype::F64 => Ok(TensorData::new(elements(bytes, f64::from_le_bytes), shape.clone())),
        other => Err(WeightsError::ElementType { name: name.into(), dtype: format!("{other:?}") }),
    }
}

fn elements<const N: usize, E>(bytes: &[u8], read: fn([u8; N]) -> E) -> Vec<E> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Weights {
        Weights {
            parameters: vec![
                ("b.weight".into(), TensorData::new(vec![1f32, -2.5, f32::MIN_POSITIVE], [3, 1])),
                ("a.bias".into(), TensorData::new(vec![0.1f64], [1])),
                ("empty".into(), TensorData::new(Vec::<f32>::new(), [0, 4])),
            ],
            metadata: (0..9).map(|i| (format!("key {i}"), format!("\"value\" {i}"))).collect(),
        }
    }

    fn bytes() -> Vec<u8> {
        to_bytes(&weights().parameters, &weights().metadata).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_in_its_order() {
        assert_eq!(from_bytes(&bytes()).unwrap().metadata, weights().metadata);
        let read: Vec<_> = from_bytes(&bytes()).unwrap().parameters;
        for (name, data) in weights().parameters {
            assert!(read.contains(&(name, data)));
        }
        assert_eq!(read[0].0, "b.weight");
    }

    #[test]
    fn other_readers_understand_the_file_and_find_aligned_data() {
        let bytes = bytes();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensor("b.weight").unwrap().shape(), [3, 1]);
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        assert_eq!(header % 8, 0);
        assert_eq!(bytes[8], b'{');
    }

    #[test]
    fn damaged_files_are_errors_and_never_panic() {
        let whole = bytes();
        for length in 0..whole.len() {
            assert!(from_bytes(&whole[..length]).is_err(), "cut to {length} bytes");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(from_bytes(&longer).is_err());
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 0x15;
            let _ = from_bytes(&damaged);
        }
        for length in [u64::MAX, u64::MAX - 7, 1 << 40, 0] {
            let mut damaged = whole.clone();
            damaged[..8].copy_from_slice(&length.to_le_bytes());
            assert!(matches!(from_bytes(&damaged), Err(WeightsError::Malformed(_))));
        }
    }

    #[test]
    fn other_element_types_are_refused_by_name() {
        let ints = vec![("steps".to_string(), TensorData::new(vec![1i64], [1]))];
        let error = to_bytes(&ints, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("`steps` has element type I64"));
        let header = br#"{"half":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}"#;
        let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0, 0]].concat();
        let error = from_bytes(&file).unwrap_err().to_string();
        assert!(error.contains("`half` has element type F16"));
    }

    #[test]
    fn names_must_be_unique() {
        let twice = [weights().parameters, weights().parameters].concat();
        assert!(matches!(to_bytes(&twice, &BTreeMap::new()), Err(WeightsError::Name { .. })));
        let reserved = vec![("__metadata__".to_string(), TensorData::new(vec![1f32], [1]))];
        assert!(matches!(to_bytes(&reserved, &BTreeMap::new()), Err(WeightsError::Name { .. })));
    }
}
