//! The dictionaries and lists of tensors within what a pickle built.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::pickle_value::{Value, Values};

/// The most tensors of one file that are read.
pub(super) const MOST_TENSORS: usize = 100_000;

/// Dictionaries within each other that are looked into.
const DEEPEST: usize = 6;

/// Entries that are looked at; a value may occur in many places, so that there may be more than the pickle has.
const MOST_ENTRIES: usize = 1 << 22;

/// Settings that are kept.
const MOST_WORDS: usize = 4096;

/// A dictionary of named tensors, or a list of tensors.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// The keys that lead to it, with points between them.
    pub(super) path: String,
    /// Whether the tensors have names; else they are called by their numbers.
    pub(super) named: bool,
    pub(super) tensors: Vec<(String, usize)>,
}

/// Everything of interest in a value.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) found: Vec<Found>,
    /// Settings beside the weights: text, whole numbers and flags, by their last key.
    pub(super) words: BTreeMap<String, String>,
    entries: usize,
    tensors: usize,
}

impl Walk {
    /// Looks into a value; the state of an optimiser is left out.
    ///
    /// # Errors
    ///
    /// [`Fault::TooManyTensors`].
    pub(super) fn over(values: &Values<'_>, root: Value<'_>) -> Result<Walk, Fault> {
        let mut walk = Walk::default();
        walk.visit(values, root, String::new(), 0)?;
        Ok(walk)
    }

    fn visit(&mut self, values: &Values<'_>, value: Value<'_>, path: String, depth: usize) -> Result<(), Fault> {
        match value {
            Value::Dict(dict) => self.dictionary(values, dict, path, depth),
            Value::Object(object) => {
                let attributes = &values.dicts[object];
                self.count(attributes.len())?;
                attributes.iter().try_for_each(|(_, from)| self.deeper(values, *from, path.clone(), depth))
            }
            Value::List(list) | Value::Tuple(list) => self.list(values, list, path, depth),
            _ => Ok(()),
        }
    }

    fn dictionary(&mut self, values: &Values<'_>, dict: usize, path: String, depth: usize) -> Result<(), Fault> {
        let items = &values.dicts[dict];
        self.count(items.len())?;
        if items.iter().any(|(key, _)| *key == Value::Text("param_groups")) {
            return Ok(());
        }
        let named = items.iter().filter_map(|item| match *item {
            (Value::Text(name), Value::Tensor(number)) => Some((name.to_owned(), number)),
            _ => None,
        });
        self.find(&path, true, named.collect())?;
        for (key, value) in items {
            match (key_name(*key, depth), value) {
                (Some(name), Value::Text(_) | Value::Int(_) | Value::Bool(_)) => self.word(name, *value),
                (Some(name), _) if !is_of_training(&name) => self.deeper(values, *value, join(&path, &name), depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn list(&mut self, values: &Values<'_>, list: usize, path: String, depth: usize) -> Result<(), Fault> {
        let items = &values.sequences[list];
        let tensors: Option<Vec<usize>> = items.iter().map(|item| item.tensor()).collect();
        if let Some(tensors) = tensors {
            let named = tensors.into_iter().enumerate().map(|(number, tensor)| (number.to_string(), tensor));
            return self.find(&path, false, named.collect());
        }
        if depth > 0 {
            return Ok(());
        }
        self.count(items.len())?;
        let mut numbered = items.iter().enumerate();
        numbered.try_for_each(|(number, item)| self.deeper(values, *item, number.to_string(), depth))
    }

    fn deeper(&mut self, values: &Values<'_>, value: Value<'_>, path: String, depth: usize) -> Result<(), Fault> {
        if depth < DEEPEST { self.visit(values, value, path, depth + 1) } else { Ok(()) }
    }

    fn find(&mut self, path: &str, named: bool, tensors: Vec<(String, usize)>) -> Result<(), Fault> {
        self.tensors += tensors.len();
        if self.tensors > MOST_TENSORS {
            return Err(Fault::TooManyTensors { most: MOST_TENSORS });
        }
        if self.found.iter().any(|found| found.path == path && !tensors.is_empty()) {
            return Err(Fault::Duplicate { name: path.to_owned() });
        }
        if !tensors.is_empty() {
            self.found.push(Found { path: path.to_owned(), named, tensors });
        }
        Ok(())
    }

    fn word(&mut self, key: String, value: Value<'_>) {
        let text = match value {
            Value::Text(text) => text.to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return,
        };
        if self.words.len() < MOST_WORDS {
            self.words.entry(key).or_insert(text);
        }
    }

    fn count(&mut self, entries: usize) -> Result<(), Fault> {
        self.entries += entries;
        if self.entries > MOST_ENTRIES { Err(Fault::TooManyTensors { most: MOST_TENSORS }) } else { Ok(()) }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What a key is called; numbers are keys in the outermost dictionary alone, as those of an optimiser are deeper.
fn key_name(key: Value<'_>, depth: usize) -> Option<String> {
    match key {
        Value::Text(name) => Some(name.into()),
        Value::Int(number) if depth == 0 => Some(number.to_string()),
        _ => None,
    }
}

/// Whether an entry holds what only training needs, which may have the shapes of the weights.
fn is_of_training(key: &str) -> bool {
    let mut words = key.split(|letter: char| !letter.is_ascii_alphanumeric());
    key.starts_with("exp_avg") || words.any(|word| TRAINING.contains(&word.to_ascii_lowercase().as_str()))
}

const TRAINING: [&str; 10] =
    ["opt", "optim", "optimizer", "optimiser", "optimizers", "optimisers", "momentum", "grad", "grads", "gradients"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_training_alone_needs_is_left_out() {
        for key in ["opt", "optimizer", "optimizer_states", "exp_avg", "exp_avg_sq", "grad", "momentum.buffer"] {
            assert!(is_of_training(key), "{key}");
        }
        for key in ["model", "options", "adopt", "ema", "expand", "gradient_free", "optical"] {
            assert!(!is_of_training(key), "{key}");
        }
    }

    #[test]
    fn values_that_are_everywhere_cost_no_more_than_a_bound() {
        let mut values = Values::default();
        let keys: Vec<String> = (0..300).map(|key| key.to_string()).collect();
        let mut inner = Value::Opaque;
        for _ in 0..6 {
            let dict = values.dict();
            let Value::Dict(number) = dict else { panic!("a dictionary") };
            values.dicts[number] = keys.iter().map(|key| (Value::Text(key), inner)).collect();
            inner = dict;
        }
        assert!(matches!(Walk::over(&values, inner), Err(Fault::TooManyTensors { .. })));
    }
}
