//! The classes and functions that a pickle of weights may name.

use burn::tensor::{BoolStore, DType};

use super::fault::Fault;
use super::pickle_value::Global;

/// What `module.name` stands for.
///
/// This list is all that can be named. Whatever is not in it is refused, as a pickle may name any function of
/// any installed package and have it called.
///
/// # Errors
///
/// [`Fault::Refused`] names it; `at` is the byte of the instruction.
pub(super) fn global(module: &str, name: &str, at: usize) -> Result<Global, Fault> {
    match (module, name) {
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Ok(Global::Tensor),
        ("torch._utils", "_rebuild_parameter") => Ok(Global::Parameter),
        ("collections", "OrderedDict") => Ok(Global::OrderedDict),
        ("torch", "Size") => Ok(Global::Size),
        ("torch", "device") | ("argparse", "Namespace") => Ok(Global::Ignored),
        ("torch", name) => {
            storage(name).or_else(|| DTYPES.contains(&name).then_some(Global::Ignored)).ok_or(refused(module, name, at))
        }
        _ => Err(refused(module, name, at)),
    }
}

/// The refusal of a name, cut where it is very long.
fn refused(module: &str, name: &str, at: usize) -> Fault {
    let name = format!("{module:.80}.{name:.80}");
    Fault::Refused { name, at }
}

fn storage(name: &str) -> Option<Global> {
    Some(Global::Storage(match name {
        "DoubleStorage" => DType::F64,
        "FloatStorage" => DType::F32,
        "HalfStorage" => DType::F16,
        "BFloat16Storage" => DType::BF16,
        "LongStorage" => DType::I64,
        "IntStorage" => DType::I32,
        "ShortStorage" => DType::I16,
        "CharStorage" => DType::I8,
        "ByteStorage" => DType::U8,
        "BoolStorage" => DType::Bool(BoolStore::Native),
        _ => return None,
    }))
}

/// The dtypes of PyTorch, which occur among the settings of a training run.
const DTYPES: [&str; 12] = [
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
    "complex64",
    "complex128",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_list_is_known() {
        assert_eq!(global("torch", "HalfStorage", 0).unwrap(), Global::Storage(DType::F16));
        assert_eq!(global("torch", "bfloat16", 0).unwrap(), Global::Ignored);
        let refused = [
            ("posix", "system"),
            ("torch", "load"),
            ("torch", "hub.load"),
            ("torch._utils", "_rebuild_qtensor"),
            ("builtins", "eval"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("collections", "OrderedDict.fromkeys"),
        ];
        for (module, name) in refused {
            let error = global(module, name, 7).unwrap_err().to_string();
            assert!(error.contains(&format!("`{module}.{name}`")) && error.contains("byte 7"), "{error}");
        }
    }
}
