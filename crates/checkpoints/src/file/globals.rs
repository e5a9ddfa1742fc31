//! The classes and functions that a pickle of weights may name.

use burn::tensor::DType;

use super::element::Element;
use super::fault::Fault;
use super::pickle_value::Global;

/// What `module.name` stands for.
///
/// This list is all that can be named: what `torch.load(weights_only=True)` takes, and containers and NumPy's
/// data, which occur beside weights and are passed over. Whatever is not in it is refused, as a pickle may name
/// any function of any installed package and have it called.
///
/// # Errors
///
/// [`Fault::Refused`] names it; `at` is the byte of the instruction.
pub(super) fn global(module: &str, name: &str, at: usize) -> Result<Global, Fault> {
    let found = match module {
        "torch._utils" => rebuilt(name),
        "torch._tensor" if name == "_rebuild_from_type_v2" => Some(Global::WithAttributes),
        "torch.nn.parameter" if name == "Parameter" => Some(Global::Parameter),
        "torch.serialization" if name == "_get_layout" => Some(Global::Ignored),
        "torch.storage" => storage(name),
        "torch" | "torch.cuda" => torch(name),
        "torch.sparse" | "torch.cuda.sparse" if name.ends_with("Tensor") => Some(Global::Unread(SPARSE)),
        "collections" => collection(name),
        "argparse" if name == "Namespace" => Some(Global::Namespace),
        _ if PASSED_OVER.iter().any(|(of, names)| *of == module && names.contains(&name)) => Some(Global::Ignored),
        _ => None,
    };
    // The name is cut where it is very long.
    found.ok_or_else(|| Fault::Refused { name: format!("{module:.80}.{name:.80}"), at })
}

const SPARSE: &str = "a sparse tensor";

/// The functions of PyTorch that make a tensor.
fn rebuilt(name: &str) -> Option<Global> {
    Some(match name {
        "_rebuild_tensor" | "_rebuild_tensor_v2" => Global::Tensor,
        "_rebuild_tensor_v3" => Global::TypedTensor,
        "_rebuild_parameter" | "_rebuild_parameter_with_state" | "_rebuild_device_tensor_from_cpu_tensor" => {
            Global::Parameter
        }
        "_rebuild_sparse_tensor" => Global::Unread(SPARSE),
        "_rebuild_qtensor" => Global::Unread("a quantised tensor"),
        "_rebuild_meta_tensor_no_storage" => Global::Unread("a meta tensor, without data"),
        "_rebuild_wrapper_subclass" => Global::Unread("a tensor of a class of its own"),
        "_rebuild_device_tensor_from_numpy" => Global::Unread("a tensor within a NumPy array"),
        _ => return None,
    })
}

fn storage(name: &str) -> Option<Global> {
    match name {
        "UntypedStorage" => Some(Global::Storage(Element::Read(DType::U8))),
        "TypedStorage" => Some(Global::Ignored),
        _ => None,
    }
}

fn torch(name: &str) -> Option<Global> {
    match name {
        "Size" => Some(Global::Size),
        "device" | "Generator" => Some(Global::Ignored),
        "per_tensor_affine" | "per_tensor_symmetric" => Some(Global::Ignored),
        "per_channel_affine" | "per_channel_symmetric" | "per_channel_affine_float_qparams" => Some(Global::Ignored),
        _ if TENSORS.contains(&name) => Some(Global::Class),
        _ => Element::of_storage(name).map(Global::Storage).or_else(|| Element::of_dtype(name).map(Global::Element)),
    }
}

fn collection(name: &str) -> Option<Global> {
    match name {
        "OrderedDict" => Some(Global::OrderedDict),
        "defaultdict" => Some(Global::DefaultDict),
        "Counter" | "deque" => Some(Global::Ignored),
        _ => None,
    }
}

/// The classes of tensors.
const TENSORS: [&str; 11] = [
    "Tensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "BFloat16Tensor",
    "LongTensor",
    "IntTensor",
    "ShortTensor",
    "CharTensor",
    "ByteTensor",
    "BoolTensor",
];

/// Kinds of plain data that are made and not looked at, by module; pickles of protocol 2 have Python 2's names.
const PASSED_OVER: [(&str, &[&str]); 8] = [
    ("builtins", &BUILTINS),
    ("__builtin__", &BUILTINS),
    ("__builtin__", &["long", "unicode", "xrange"]),
    ("_codecs", &["encode"]),
    ("numpy", &["dtype", "ndarray"]),
    ("numpy.core.multiarray", &NUMPY),
    ("numpy._core.multiarray", &NUMPY),
    ("numpy._core.numeric", &["_frombuffer"]),
];

const BUILTINS: [&str; 14] = [
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "range",
    "set",
    "slice",
    "str",
    "tuple",
];

const NUMPY: [&str; 2] = ["_reconstruct", "scalar"];

#[cfg(test)]
mod tests {
    use super::*;

    /// What `torch.load(weights_only=True)` of PyTorch 2.15 takes.
    const WEIGHTS_ONLY: &str = include_str!("../../../../fixtures/data/torch_weights_only.txt");

    #[test]
    fn whatever_torch_reads_safely_is_known() {
        let names: Vec<&str> = WEIGHTS_ONLY.lines().collect();
        assert_eq!(names.len(), 144);
        for name in names {
            let (module, name) = name.rsplit_once('.').unwrap();
            global(module, name, 0).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn only_the_list_is_known() {
        assert_eq!(global("torch", "HalfStorage", 0).unwrap(), Global::Storage(Element::Read(DType::F16)));
        assert_eq!(global("torch", "bfloat16", 0).unwrap(), Global::Element(Element::Read(DType::BF16)));
        let refused = [
            ("posix", "system"),
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("builtins", "__import__"),
            ("torch", "load"),
            ("torch", "hub.load"),
            ("torch", ""),
            ("torch.storage", "_load_from_bytes"),
            ("torch._utils", "_rebuild_from_anything"),
            ("numpy", "load"),
            ("numpy.core.multiarray", "fromfile"),
            ("collections", "OrderedDict.fromkeys"),
            ("collections", "namedtuple"),
            ("_codecs", "decode"),
        ];
        for (module, name) in refused {
            let error = global(module, name, 7).unwrap_err().to_string();
            assert!(error.contains(&format!("`{module}.{name}`")) && error.contains("byte 7"), "{error}");
        }
    }
}
