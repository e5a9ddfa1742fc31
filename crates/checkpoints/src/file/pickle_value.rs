//! The values that a pickle may build.

use super::element::Element;

/// A value of a pickle. Containers are kept in [`Values`] and are known by their number there, so that a
/// value may occur in many places, even within itself, and costs the same wherever it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// Anything that weights do not need: `None`, numbers with a point, bytes, sets, long integers.
    Opaque,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Global(Global),
    Tuple(usize),
    List(usize),
    Dict(usize),
    /// An `argparse.Namespace`, kept as a dictionary whose values are those that it got its attributes from.
    Object(usize),
    Storage(usize),
    Tensor(usize),
}

/// The classes and functions that a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Global {
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    Tensor,
    /// `torch._utils._rebuild_tensor_v3`, which names the element type itself.
    TypedTensor,
    /// `torch._tensor._rebuild_from_type_v2`: another of these, and attributes.
    WithAttributes,
    /// What is given a tensor and makes one of the same numbers.
    Parameter,
    /// What makes a tensor that is not read, and what that is.
    Unread(&'static str),
    /// `torch.Tensor` and its like, whose storage comes as an attribute.
    Class,
    /// `torch.FloatStorage` and the others.
    Storage(Element),
    /// `torch.float32` and the others.
    Element(Element),
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `collections.defaultdict`.
    DefaultDict,
    /// `argparse.Namespace`.
    Namespace,
    /// `torch.Size`.
    Size,
    /// Plain data: made, and not looked at.
    Ignored,
}

/// A storage as a pickle describes it: elements of one type, one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) element: Element,
    /// Number of elements.
    pub(super) count: usize,
}

/// A tensor as a pickle describes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Built {
    /// Elements of a storage.
    View(View),
    /// One that is not read, and what it is.
    Unread(&'static str),
    /// One that has not got its storage yet.
    Empty,
}

/// A view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// The number of its storage in [`Values`].
    pub(super) storage: usize,
    /// Its own element type, which may be another than its storage's.
    pub(super) element: Element,
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
    /// Keys and values of dictionaries and objects, in their order.
    pub(super) dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<Built>,
}

/// Arguments that a call may have.
const MOST_ARGUMENTS: usize = 16;

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

    pub(super) fn object(&mut self) -> Value<'a> {
        self.dicts.push(Vec::new());
        Value::Object(self.dicts.len() - 1)
    }

    pub(super) fn tensor(&mut self, built: Built) -> Value<'a> {
        self.tensors.push(built);
        Value::Tensor(self.tensors.len() - 1)
    }

    /// The items of a tuple; nothing for any other value.
    pub(super) fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Tuple(number) => Some(&self.sequences[number]),
            _ => None,
        }
    }

    /// The items of a tuple that is no longer than the arguments of any call that is known.
    pub(super) fn few(&self, value: Value<'a>) -> Option<Vec<Value<'a>>> {
        self.items(value).filter(|items| items.len() <= MOST_ARGUMENTS).map(<[_]>::to_vec)
    }

    /// A tuple's numbers, if none is negative.
    pub(super) fn sizes(&self, value: Value<'a>) -> Option<Vec<usize>> {
        self.items(value)?.iter().map(|item| item.size()).collect()
    }
}

impl Value<'_> {
    /// The number of a tensor.
    pub(super) fn tensor(self) -> Option<usize> {
        match self {
            Value::Tensor(number) => Some(number),
            _ => None,
        }
    }

    /// A number that is not negative.
    pub(super) fn size(self) -> Option<usize> {
        match self {
            Value::Int(value) => usize::try_from(value).ok(),
            _ => None,
        }
    }
}
