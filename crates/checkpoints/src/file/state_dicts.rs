//! The groups of weights in what a pickle built.

use std::collections::HashMap;

use super::checkpoint::Group;
use super::fault::Fault;
use super::pickle::Pickle;
use super::pickle_value::{Storage, Value, View};
use super::tensor::{Place, TensorInfo, check_size, contiguous, count};

/// The most tensors of one file that are read.
pub(super) const MOST_TENSORS: usize = 100_000;

/// The groups of a pickle; `starts` has the byte of the file at which each storage starts, by its key.
///
/// The root's own tensors are the group of the empty name; every entry of it that is a dictionary of named
/// tensors and nothing else is a group by its key, or by its number in a list.
///
/// # Errors
///
/// [`Fault::NoWeights`]; a [`Fault`] that names the tensor for a view that its storage does not hold.
pub(super) fn groups(pickle: &Pickle<'_>, starts: &HashMap<&str, u64>) -> Result<Vec<Group>, Fault> {
    let reading = Reading { pickle, starts };
    let entries = reading.entries();
    let own = entries.iter().filter_map(|(name, value)| Some((name.as_str(), tensor(*value)?))).collect();
    let mut named: Vec<(&str, Named<'_>)> = vec![("", own)];
    let mut total = named[0].1.len();
    for (name, value) in &entries {
        let tensors = reading.state_dict(*value, MOST_TENSORS.saturating_sub(total))?;
        total += tensors.len();
        named.push((name, tensors));
    }
    let groups = named.into_iter().filter(|(_, tensors)| !tensors.is_empty());
    let groups: Vec<Group> = groups.map(|(name, tensors)| reading.group(name, tensors)).collect::<Result<_, _>>()?;
    if groups.is_empty() { Err(Fault::NoWeights) } else { Ok(groups) }
}

/// Tensors of a pickle by name.
type Named<'a> = Vec<(&'a str, usize)>;

fn tensor(value: Value<'_>) -> Option<usize> {
    match value {
        Value::Tensor(number) => Some(number),
        _ => None,
    }
}

struct Reading<'a> {
    pickle: &'a Pickle<'a>,
    starts: &'a HashMap<&'a str, u64>,
}

impl<'a> Reading<'a> {
    /// The root's entries by name or number.
    fn entries(&self) -> Vec<(String, Value<'a>)> {
        let values = &self.pickle.values;
        match self.pickle.root {
            Value::Dict(dict) => {
                values.dicts[dict].iter().filter_map(|(key, value)| Some((key_name(*key)?, *value))).collect()
            }
            Value::List(list) | Value::Tuple(list) => {
                values.sequences[list].iter().enumerate().map(|(i, value)| (i.to_string(), *value)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The tensors of a dictionary that has names and tensors only; none for any other value.
    fn state_dict(&self, value: Value<'a>, most: usize) -> Result<Named<'a>, Fault> {
        let Value::Dict(dict) = value else { return Ok(Vec::new()) };
        let items = &self.pickle.values.dicts[dict];
        if !items.iter().all(|item| matches!(item, (Value::Text(_), Value::Tensor(_)))) {
            return Ok(Vec::new());
        }
        if items.len() > most {
            return Err(Fault::TooManyTensors { most: MOST_TENSORS });
        }
        let named = |(key, value): &(Value<'a>, Value<'a>)| match (*key, *value) {
            (Value::Text(name), Value::Tensor(tensor)) => Some((name, tensor)),
            _ => None,
        };
        Ok(items.iter().filter_map(named).collect())
    }

    fn group(&self, name: &str, tensors: Named<'_>) -> Result<Group, Fault> {
        let tensors = tensors.into_iter().map(|(name, tensor)| self.tensor(name, &self.pickle.values.tensors[tensor]));
        Group::new(name, tensors.collect::<Result<_, _>>()?)
    }

    fn tensor(&self, name: &str, view: &View) -> Result<(TensorInfo, Place), Fault> {
        check_size(name, view.shape.len())?;
        let storage = self.pickle.values.storages[view.storage];
        let (tensor, shape) = (String::from(name), view.shape.clone());
        let Some(elements) = count(&shape) else { return Err(Fault::Overflow { tensor, shape }) };
        let fits = elements == 0 || elements <= storage.count && last(view).is_some_and(|last| last < storage.count);
        if !fits {
            let (strides, offset, count) = (view.strides.clone(), view.offset, storage.count);
            return Err(Fault::View { tensor, shape, strides, offset, count });
        }
        let place = self.place(view, &storage, elements)?;
        Ok((TensorInfo { name: tensor, shape, dtype: storage.dtype }, place))
    }

    fn place(&self, view: &View, storage: &Storage<'_>, elements: usize) -> Result<Place, Fault> {
        let missing = || Fault::Storage { key: storage.key.into(), needed: bytes(storage), found: 0 };
        let start = self.starts.get(storage.key).ok_or_else(missing)?;
        let offset = if elements == 0 { 0 } else { (view.offset * storage.dtype.size()) as u64 };
        Ok(Place { start: start + offset, strides: strides(view) })
    }
}

/// A view's strides; an axis of one element has none that matters, so it gets the one of a contiguous tensor.
fn strides(view: &View) -> Vec<usize> {
    let axes = view.shape.iter().zip(&view.strides).zip(contiguous(&view.shape));
    axes.map(|((size, given), contiguous)| if *size == 1 { contiguous } else { *given }).collect()
}

/// Bytes of a storage.
pub(super) fn bytes(storage: &Storage<'_>) -> u64 {
    (storage.count as u64).saturating_mul(storage.dtype.size() as u64)
}

/// The storage's element that is a view's last one, if a number holds its place.
fn last(view: &View) -> Option<usize> {
    let axes = view.shape.iter().zip(&view.strides);
    let reach = |at: usize, (size, stride): (&usize, &usize)| at.checked_add((size - 1).checked_mul(*stride)?);
    axes.into_iter().try_fold(view.offset, reach)
}

/// What a key of a dictionary is called.
fn key_name(key: Value<'_>) -> Option<String> {
    match key {
        Value::Text(name) => Some(name.into()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}
