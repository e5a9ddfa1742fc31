//! Tensors of a file that belong together.

use std::collections::HashMap;

use super::fault::Fault;
use super::tensor::{Place, TensorInfo};

/// A dictionary of named tensors, or a list of tensors that are called by their numbers.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) named: bool,
    pub(super) tensors: Vec<TensorInfo>,
    pub(super) unread: Vec<Unread>,
    places: Vec<Place>,
    by_name: HashMap<String, usize>,
}

/// A tensor that is there and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub name: String,
    /// What it is: an element type that has no reader here, or another kind of tensor.
    pub why: &'static str,
}

impl Group {
    /// A group of tensors in the file's order.
    ///
    /// What wraps a network puts words into its names (`torch.compile` the word `_orig_mod`), which are taken out;
    /// where all names start with `module.`, as those of a network within `DataParallel` do, so is that.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`]; readers in use take the last of two tensors of one name, here none is preferred.
    pub(super) fn new(
        name: &str,
        named: bool,
        tensors: Vec<(TensorInfo, Place)>,
        mut unread: Vec<Unread>,
    ) -> Result<Self, Fault> {
        let (mut tensors, places): (Vec<TensorInfo>, Vec<Place>) = tensors.into_iter().unzip();
        let mut names: Vec<&mut String> = tensors.iter_mut().map(|tensor| &mut tensor.name).collect();
        names.extend(unread.iter_mut().map(|tensor| &mut tensor.name));
        unwrap(&mut names);
        let mut by_name = HashMap::new();
        for (index, tensor) in tensors.iter().enumerate() {
            if by_name.insert(tensor.name.clone(), index).is_some() {
                return Err(Fault::Duplicate { name: tensor.name.clone() });
            }
        }
        Ok(Group { name: name.into(), named, tensors, unread, places, by_name })
    }

    /// A tensor by its name.
    pub(super) fn get(&self, name: &str) -> Option<(&TensorInfo, &Place)> {
        self.by_name.get(name).map(|index| (&self.tensors[*index], &self.places[*index]))
    }

    /// All tensors with their places, taken apart.
    pub(super) fn into_parts(self) -> (Vec<(TensorInfo, Place)>, Vec<Unread>) {
        (self.tensors.into_iter().zip(self.places).collect(), self.unread)
    }
}

/// What `DataParallel` puts before the names of its network.
const PARALLEL: &str = "module.";

/// What `torch.compile`, Lightning, FSDP and activation checkpointing put into names, wherever they wrap a module.
const WRAPPERS: [&str; 4] = ["_orig_mod.", "_forward_module.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."];

/// Takes those words out of names.
pub(super) fn unwrap(names: &mut [&mut String]) {
    for name in names.iter_mut().filter(|name| name.contains('_')) {
        let kept = name.split_inclusive('.').filter(|part| !WRAPPERS.contains(part));
        **name = kept.collect();
    }
    while !names.is_empty() && names.iter().all(|name| name.starts_with(PARALLEL)) {
        names.iter_mut().for_each(|name| drop(name.drain(..PARALLEL.len())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrapped(names: &[&str]) -> Vec<String> {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        unwrap(&mut names.iter_mut().collect::<Vec<_>>());
        names
    }

    #[test]
    fn wrappers_leave_no_trace() {
        assert_eq!(unwrapped(&["module._orig_mod.a.b", "module.c"]), ["a.b", "c"]);
        assert_eq!(unwrapped(&["_orig_mod.module.a", "_orig_mod.module.b._orig_mod.c"]), ["a", "b.c"]);
        assert_eq!(unwrapped(&["_forward_module.a", "b._checkpoint_wrapped_module.c"]), ["a", "b.c"]);
        assert_eq!(unwrapped(&["module.a", "b"]), ["module.a", "b"]);
        assert_eq!(unwrapped(&["orig_mod.a", "x_orig_mod.b"]), ["orig_mod.a", "x_orig_mod.b"]);
        assert!(unwrapped(&[]).is_empty());
    }
}
