//! What the calls of a pickle make.

use super::pickle_value::{Built, Global, Value, Values, View};
use super::tensor::MOST_AXES;

/// What a call makes of its arguments, as data; nothing where they are not those that `torch.save` writes.
pub(super) fn call<'a>(values: &mut Values<'a>, callee: Global, arguments: &[Value<'a>]) -> Option<Value<'a>> {
    match (callee, arguments) {
        (Global::WithAttributes, [Value::Global(Global::WithAttributes), ..]) => None,
        (Global::WithAttributes, &[Value::Global(inner), _, inner_arguments, ..]) => {
            let inner_arguments = values.few(inner_arguments)?;
            call(values, inner, &inner_arguments)
        }
        (Global::Tensor | Global::TypedTensor, _) => {
            let built = tensor(values, callee, arguments)?;
            Some(values.tensor(built))
        }
        (Global::Parameter, [made @ (Value::Tensor(_) | Value::Opaque), ..]) => Some(*made),
        (Global::Unread(why), _) => Some(values.tensor(Built::Unread(why))),
        (Global::Class, []) => Some(values.tensor(Built::Empty)),
        (Global::OrderedDict, &[Value::List(pairs)]) => ordered(values, pairs),
        (Global::OrderedDict, []) | (Global::DefaultDict, _) => Some(values.dict()),
        (Global::Namespace, []) => Some(values.object()),
        (Global::Size, [sizes @ Value::Tuple(_)]) => Some(*sizes),
        (Global::Ignored, _) => Some(Value::Opaque),
        _ => None,
    }
}

/// The attributes of an object, as far as they are looked at; whether it is one that has any.
///
/// Those of an ordered dictionary say which version of a module made it. A tensor of the first versions is
/// empty before it gets them.
pub(super) fn build<'a>(values: &mut Values<'a>, object: Value<'a>, state: Value<'a>) -> bool {
    match (object, state) {
        (Value::Tensor(number), _) if values.tensors[number] == Built::Empty => {
            let state = values.few(state).unwrap_or_default();
            match tensor(values, Global::Tensor, &state) {
                Some(built) => values.tensors[number] = built,
                None => return false,
            }
        }
        (Value::Object(number), _) => values.dicts[number].push((Value::Opaque, state)),
        (Value::Tensor(_) | Value::Dict(_) | Value::Opaque, _) => {}
        _ => return false,
    }
    true
}

/// The ordered dictionary of a list of pairs, as Python 2 writes it; the list is used up.
fn ordered<'a>(values: &mut Values<'a>, list: usize) -> Option<Value<'a>> {
    let items = std::mem::take(&mut values.sequences[list]);
    let pair = |item: Value<'a>| match item {
        Value::List(pair) | Value::Tuple(pair) => <[Value<'a>; 2]>::try_from(values.sequences[pair].as_slice()).ok(),
        _ => None,
    };
    let pairs: Option<Vec<_>> = items.into_iter().map(|item| pair(item).map(|[key, value]| (key, value))).collect();
    values.dicts.push(pairs?);
    Some(Value::Dict(values.dicts.len() - 1))
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, ..)`, and `_rebuild_tensor_v3(.., .., .., .., requires_grad,
/// hooks, dtype, ..)`, whose storages are bytes.
fn tensor<'a>(values: &Values<'a>, callee: Global, arguments: &[Value<'a>]) -> Option<Built> {
    let &[Value::Storage(storage), offset, shape, strides, ..] = arguments else { return None };
    let element = match (callee, arguments.get(6)) {
        (Global::TypedTensor, Some(Value::Global(Global::Element(element)))) => *element,
        (Global::TypedTensor, _) => return None,
        _ => values.storages[storage].element,
    };
    let (axes, stepped) = (values.items(shape)?.len(), values.items(strides)?.len());
    if axes != stepped {
        return None;
    }
    if axes > MOST_AXES {
        return Some(Built::Unread("a tensor of more than 8 axes"));
    }
    let (shape, strides) = (values.sizes(shape)?, values.sizes(strides)?);
    Some(Built::View(View { storage, element, offset: offset.size()?, shape, strides }))
}
