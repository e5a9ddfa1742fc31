//! An open file of weights.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;

use super::content;
use super::fault::{Fault, FileError};
use super::source::Source;
use super::tensor::{Place, TensorInfo, read};
use super::{safetensors_file, torch_legacy, torch_zip};

/// An open file of weights, whose tensors are read one by one.
///
/// A file has one group of tensors or several: a training checkpoint keeps the weights and their moving
/// average side by side. Opening reads only names, shapes and places; whatever the file promises is checked
/// against its length before memory is taken for it. A pickle is read as data, and nothing in it is run.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    source: Source,
    format: FileFormat,
    contents: Contents,
}

/// How a file keeps its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A JSON header and the data.
    Safetensors,
    /// What `torch.save` writes since PyTorch 1.6: a zip archive of a pickle and the data.
    TorchZip,
    /// What `torch.save` wrote before: pickles followed by the data.
    TorchLegacy,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) groups: Vec<Group>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Tensors that belong together.
#[derive(Debug)]
pub(super) struct Group {
    name: String,
    tensors: Vec<TensorInfo>,
    places: Vec<Place>,
    by_name: HashMap<String, usize>,
}

impl Group {
    /// A group of tensors in the file's order.
    ///
    /// Where all names start with `module.`, as those of a network within `DataParallel` do, it is taken off.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`]; readers in use take the last of two tensors of one name, here none is preferred.
    pub(super) fn new(name: &str, tensors: Vec<(TensorInfo, Place)>) -> Result<Self, Fault> {
        let (mut tensors, places): (Vec<TensorInfo>, Vec<Place>) = tensors.into_iter().unzip();
        if tensors.iter().all(|tensor| tensor.name.starts_with(PARALLEL)) {
            tensors.iter_mut().for_each(|tensor| drop(tensor.name.drain(..PARALLEL.len())));
        }
        let mut by_name = HashMap::new();
        for (index, tensor) in tensors.iter().enumerate() {
            if by_name.insert(tensor.name.clone(), index).is_some() {
                return Err(Fault::Duplicate { name: tensor.name.clone() });
            }
        }
        Ok(Group { name: name.into(), tensors, places, by_name })
    }
}

/// What `DataParallel` puts before the names of its network.
const PARALLEL: &str = "module.";

impl Checkpoint {
    /// Opens a file of weights; its content says of which format it is, not its name.
    ///
    /// # Errors
    ///
    /// [`FileError`], for whatever is wrong with the file.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let of_file = FileError::of(path);
        let source = Source::open(path).map_err(&of_file)?;
        let format = source.head(content::HEAD).and_then(|head| content::format(&head)).map_err(&of_file)?;
        let contents = match format {
            FileFormat::Safetensors => safetensors_file::contents(&source),
            FileFormat::TorchZip => torch_zip::contents(&source),
            FileFormat::TorchLegacy => torch_legacy::contents(&source),
        };
        Ok(Checkpoint { path: path.into(), source, format, contents: contents.map_err(&of_file)? })
    }

    /// How the file keeps its tensors.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// The groups of tensors, in the file's order.
    ///
    /// A plain `state_dict` is the group of the empty name. In a nested checkpoint every entry that is a
    /// dictionary of named tensors and nothing else is a group: `"model"` and `"ema"` of a dictionary,
    /// `"0"` and `"4"` of a list. The state of an optimiser is none.
    pub fn groups(&self) -> Vec<&str> {
        self.contents.groups.iter().map(|group| group.name.as_str()).collect()
    }

    /// The tensors of a group, in the file's order; none for a group that the file does not have.
    pub fn tensors(&self, group: &str) -> &[TensorInfo] {
        self.group(group).map_or(&[], |group| &group.tensors)
    }

    /// Reads one tensor: f16 and bf16 widened to f32, other types as they are, in the order of its indices
    /// whatever its strides in the file.
    ///
    /// # Errors
    ///
    /// [`FileError`] for a tensor that is not there, or a file that cannot be read any more.
    pub fn read(&self, group: &str, name: &str) -> Result<TensorData, FileError> {
        self.tensor(group, name)
            .and_then(|(info, place)| read(&self.source, info, place))
            .map_err(FileError::of(&self.path))
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
        let missing = || Fault::NoSuchTensor { group: group.into(), tensor: name.into() };
        let index = *found.by_name.get(name).ok_or_else(missing)?;
        Ok((&found.tensors[index], &found.places[index]))
    }
}
