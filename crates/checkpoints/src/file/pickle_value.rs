//! The values that a pickle may build.

use burn::tensor::DType;

/// A value of a pickle. Containers are kept in [`Values`] and are known by their number there, so that a
/// value may occur in many places, even within itself, and costs the same wherever it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// Anything that weights do not need: `None`, numbers with a point, bytes, long integers, flags.
    Opaque,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Global(Global),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Storage(usize),
    Tensor(usize),
}

/// The classes and functions that a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Global {
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    Tensor,
    /// `torch._utils._rebuild_parameter`.
    Parameter,
    /// `torch.FloatStorage` and the others.
    Storage(DType),
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch.Size`.
    Size,
    /// `torch.device`, `argparse.Namespace`, and the dtypes: made, and not looked at.
    Ignored,
}

/// A storage as a pickle describes it: elements of one type, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) dtype: DType,
    /// Number of elements.
    pub(super) count: usize,
}

/// A tensor as a pickle describes it: a view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The number of its storage in [`Values`].
    pub(super) storage: usize,
    /// Its first element there.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Elements from one index to the next, by axis.
    pub(super) strides: Vec<usize>,
}

/// Everything that a pickle has built.
#[derive(Debug, Default)]
pub(super) struct Values<'a> {
    /// Items of tuples and lists.
    pub(super) sequences: Vec<Vec<Value<'a>>>,
    /// Keys and values of dictionaries, in their order.
    pub(super) dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<View>,
}

impl<'a> Values<'a> {
    pub(super) fn tuple(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.sequences.push(items);
        Value::Tuple(self.sequences.len() - 1)
    }

    pub(super) fn list(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.sequences.push(items);
        Value::List(self.sequences.len() - 1)
    }

    pub(super) fn dict(&mut self) -> Value<'a> {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }

    /// The items of a tuple; nothing for any other value.
    pub(super) fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Tuple(number) => Some(&self.sequences[number]),
            _ => None,
        }
    }

    /// A tuple's numbers, if none is negative.
    pub(super) fn sizes(&self, value: Value<'a>) -> Option<Vec<usize>> {
        self.items(value)?.iter().map(|item| item.size()).collect()
    }
}

impl Value<'_> {
    /// A number that is not negative.
    pub(super) fn size(self) -> Option<usize> {
        match self {
            Value::Int(value) => usize::try_from(value).ok(),
            _ => None,
        }
    }
}
