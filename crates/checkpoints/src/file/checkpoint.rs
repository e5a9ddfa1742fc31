//! An open file of weights.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::TensorData;

use super::contents::Contents;
use super::fault::{Fault, FileError};
use super::file_format::FileFormat;
use super::group::{Group, Unread};
use super::source::Source;
use super::tensor::{Place, TensorInfo, read};

/// An open file of weights, whose tensors are read one by one; or several files, the shards of an index.
///
/// A file has one group of tensors or several: a training checkpoint keeps the weights and their moving
/// average side by side. Opening reads only names, shapes and places; whatever the file promises is checked
/// against its length before memory is taken for it. A pickle is read as data, and nothing in it is run.
#[derive(Debug)]
pub struct Checkpoint {
    pub(super) parts: Vec<Part>,
    pub(super) format: FileFormat,
    pub(super) contents: Contents,
}

/// One file of a checkpoint.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) source: Source,
}

impl Checkpoint {
    /// How the file keeps its tensors.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// The groups of tensors, in the file's order.
    ///
    /// A plain `state_dict` is the group of the empty name. In a nested checkpoint every dictionary with named
    /// tensors is a group, called by the keys that lead to it: `model` and `ema.shadow` of dictionaries, `0` and
    /// `4` of a list. So is a list of tensors, which are called by their numbers. The state of an optimiser is none.
    pub fn groups(&self) -> Vec<&str> {
        self.contents.groups.iter().map(|group| group.name.as_str()).collect()
    }

    /// The tensors of a group, in the file's order; none for a group that the file does not have.
    pub fn tensors(&self, group: &str) -> &[TensorInfo] {
        self.group(group).map_or(&[], |group| &group.tensors)
    }

    /// The tensors of a group that are there and cannot be read.
    pub fn unread(&self, group: &str) -> &[Unread] {
        self.group(group).map_or(&[], |group| &group.unread)
    }

    /// Whether a group's tensors have names; those of a list have none, and are called by their numbers.
    pub fn is_named(&self, group: &str) -> bool {
        self.group(group).is_none_or(|group| group.named)
    }

    /// Settings beside the weights of a training checkpoint, by their last key: text, whole numbers and flags.
    pub fn words(&self) -> &BTreeMap<String, String> {
        &self.contents.words
    }

    /// Whether this is the list that DDIM's code saves while training, `[weights, optimiser, epoch, step, average]`;
    /// the average may be missing.
    pub fn is_training_list(&self) -> bool {
        self.contents.training_list
    }

    /// Reads one tensor: f16 and bf16 widened to f32, other types as they are, in the order of its indices
    /// whatever its strides in the file.
    ///
    /// # Errors
    ///
    /// [`FileError`] for a tensor that is not there, or a file that cannot be read any more.
    pub fn read(&self, group: &str, name: &str) -> Result<TensorData, FileError> {
        let (info, place) = self.tensor(group, name).map_err(FileError::of(&self.parts[0].path))?;
        let part = &self.parts[place.part];
        read(&part.source, info, place).map_err(FileError::of(&part.path))
    }

    /// Free text from the header of a safetensors file, by key.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.contents.metadata
    }

    fn group(&self, name: &str) -> Option<&Group> {
        self.contents.groups.iter().find(|group| group.name == name)
    }

    fn tensor(&self, group: &str, name: &str) -> Result<(&TensorInfo, &Place), Fault> {
        let found = self.group(group).ok_or_else(|| Fault::NoSuchGroup {
            group: group.into(),
            groups: self.groups().into_iter().map(String::from).collect(),
        })?;
        if let Some(unread) = found.unread.iter().find(|unread| unread.name == name) {
            return Err(Fault::ElementType { tensor: name.into(), dtype: unread.why.into() });
        }
        found.get(name).ok_or_else(|| Fault::NoSuchTensor { group: group.into(), tensor: name.into() })
    }
}
