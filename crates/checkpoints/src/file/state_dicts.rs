//! The groups of weights in what a pickle built.

use std::collections::{BTreeMap, HashMap};

use super::contents::Contents;
use super::element::Element;
use super::fault::Fault;
use super::group::{Group, Unread};
use super::pickle::Pickle;
use super::pickle_value::{Built, Storage, Value, Values, View};
use super::tensor::{Place, TensorInfo, check_size, contiguous, count};
use super::walk::{Found, Walk};

/// What a pickle holds; `starts` has the byte of the file at which each storage starts, by its key, and `length` is
/// that of the file.
///
/// Views that repeat elements (`expand`) may have no more of them than the file has bytes, all together.
///
/// # Errors
///
/// [`Fault::NoWeights`]; a [`Fault`] that names the tensor for a view that its storage does not hold.
pub(super) fn contents(pickle: &Pickle<'_>, starts: &HashMap<&str, u64>, length: u64) -> Result<Contents, Fault> {
    let values = &pickle.values;
    let walk = Walk::over(values, pickle.root)?;
    let mut reading = Reading { values, starts, repeatable: length };
    let groups: Vec<Group> = walk.found.into_iter().map(|found| reading.group(found)).collect::<Result<_, _>>()?;
    if groups.is_empty() {
        return Err(Fault::NoWeights);
    }
    let training_list = is_training_list(values, pickle.root);
    Ok(Contents { groups, words: walk.words, training_list, metadata: BTreeMap::new() })
}

/// Whether a value is the list that DDIM's code saves while training: the weights, the optimiser, epoch and step,
/// and mostly the moving average.
fn is_training_list(values: &Values<'_>, root: Value<'_>) -> bool {
    let Value::List(list) = root else { return false };
    let is_optimiser = |dict: usize| values.dicts[dict].iter().any(|(key, _)| *key == Value::Text("param_groups"));
    match values.sequences[list][..] {
        [Value::Dict(_), Value::Dict(optimiser), Value::Int(_), Value::Int(_), ref rest @ ..] => {
            is_optimiser(optimiser) && matches!(rest, [] | [Value::Dict(_)])
        }
        _ => false,
    }
}

struct Reading<'a> {
    values: &'a Values<'a>,
    starts: &'a HashMap<&'a str, u64>,
    /// Bytes of repeated elements that may still come.
    repeatable: u64,
}

impl Reading<'_> {
    fn group(&mut self, found: Found) -> Result<Group, Fault> {
        let (mut tensors, mut unread) = (Vec::new(), Vec::new());
        for (name, number) in found.tensors {
            match &self.values.tensors[number] {
                Built::View(view) => match view.element {
                    Element::Read(dtype) => tensors.push(self.tensor(name, view, dtype)?),
                    Element::Other(why, _) => unread.push(Unread { name, why }),
                },
                Built::Unread(why) => unread.push(Unread { name, why }),
                Built::Empty => unread.push(Unread { name, why: "a tensor without a storage" }),
            }
        }
        Group::new(&found.path, found.named, tensors, unread)
    }

    fn tensor(
        &mut self,
        tensor: String,
        view: &View,
        dtype: burn::tensor::DType,
    ) -> Result<(TensorInfo, Place), Fault> {
        check_size(&tensor, view.shape.len())?;
        let storage = &self.values.storages[view.storage];
        let shape = view.shape.clone();
        let Some(elements) = count(&shape) else { return Err(Fault::Overflow { tensor, shape }) };
        let held = storage.count.saturating_mul(storage.element.size()) / view.element.size();
        let fits = elements == 0 || self.may_have(view, elements, held) && last(view).is_some_and(|last| last < held);
        if !fits {
            let (strides, offset, count) = (view.strides.clone(), view.offset, held);
            return Err(Fault::View { tensor, shape, strides, offset, count });
        }
        let place = self.place(view, storage, elements)?;
        Ok((TensorInfo { name: tensor, shape, dtype }, place))
    }

    /// Whether so many elements are no more than the storage has, or are repeated and not too many.
    fn may_have(&mut self, view: &View, elements: usize, held: usize) -> bool {
        if elements <= held {
            return true;
        }
        let bytes = (elements as u64).saturating_mul(view.element.size() as u64);
        let rest = self.repeatable.checked_sub(bytes).filter(|_| view.strides.contains(&0));
        self.repeatable = rest.unwrap_or(self.repeatable);
        rest.is_some()
    }

    fn place(&self, view: &View, storage: &Storage<'_>, elements: usize) -> Result<Place, Fault> {
        let missing = || Fault::Storage { key: storage.key.into(), needed: bytes(storage), found: 0 };
        let start = self.starts.get(storage.key).ok_or_else(missing)?;
        let offset = if elements == 0 { 0 } else { (view.offset * view.element.size()) as u64 };
        Ok(Place { part: 0, start: start + offset, strides: strides(view) })
    }
}

/// A view's strides; an axis of one element has none that matters, so it gets the one of a contiguous tensor.
fn strides(view: &View) -> Vec<usize> {
    let axes = view.shape.iter().zip(&view.strides).zip(contiguous(&view.shape));
    axes.map(|((size, given), contiguous)| if *size == 1 { contiguous } else { *given }).collect()
}

/// Bytes of a storage.
pub(super) fn bytes(storage: &Storage<'_>) -> u64 {
    (storage.count as u64).saturating_mul(storage.element.size() as u64)
}

/// The storage's element that is a view's last one, if a number holds its place.
fn last(view: &View) -> Option<usize> {
    let axes = view.shape.iter().zip(&view.strides);
    let reach = |at: usize, (size, stride): (&usize, &usize)| at.checked_add((size - 1).checked_mul(*stride)?);
    axes.into_iter().try_fold(view.offset, reach)
}
