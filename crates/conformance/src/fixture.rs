//! One sidecar with its tensors.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::FixtureError;
use super::sidecar::Node;
use super::tensors::Tensors;

/// One sidecar with the tensors that belong to it.
#[derive(Debug)]
pub(super) struct Fixture {
    folder: PathBuf,
    stem: String,
    sidecar: Value,
    tensors: Tensors,
}

impl Fixture {
    /// Reads `folder/stem.json`, and `folder/stem.safetensors` where the sidecar describes tensors.
    pub(super) fn read(folder: &Path, stem: &str) -> Result<Self, FixtureError> {
        let path = folder.join(format!("{stem}.json"));
        let sidecar = read_json(&path)?;
        let with_tensors = Node::root(&sidecar).find("tensors").is_some();
        let tensors = match with_tensors {
            true => Tensors::read(&folder.join(format!("{stem}.safetensors")))?,
            false => Tensors::default(),
        };
        let fixture = Fixture { folder: folder.to_owned(), stem: stem.to_owned(), sidecar, tensors };
        fixture.check_tensors()?;
        Ok(fixture)
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node::root(&self.sidecar)
    }

    pub(super) fn tensors(&self) -> &Tensors {
        &self.tensors
    }

    pub(super) fn stem(&self) -> &str {
        &self.stem
    }

    /// Where the fixture lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Another file of the same folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A field of the sidecar as it is.
    pub(super) fn value(&self, field: &str) -> Result<&Value, FixtureError> {
        self.sidecar.get(field).ok_or_else(|| FixtureError::NoField { field: field.to_owned() })
    }

    /// The implementation and function that made the numbers; "" when the sidecar does not say.
    pub(super) fn peer(&self) -> &str {
        self.root().text_or_empty("peer")
    }

    /// Another fixture of the same folder.
    pub(super) fn beside(&self, stem: &str) -> Result<Fixture, FixtureError> {
        Fixture::read(&self.folder, stem)
    }

    /// The fixture of the same folder whose name occurs as a word of `text`.
    pub(super) fn named_in(&self, text: &str) -> Option<Result<Fixture, FixtureError>> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        let mut stems = words.filter(|word| !word.is_empty());
        let stem = stems.find(|stem| self.folder.join(format!("{stem}.json")).is_file())?;
        Some(self.beside(stem))
    }

    /// Another sidecar of the same folder, without its tensors.
    pub(super) fn sidecar_beside(&self, stem: &str) -> Result<Value, FixtureError> {
        read_json(&self.folder.join(format!("{stem}.json")))
    }

    /// Names of all sidecars of the folder, sorted.
    pub(super) fn siblings(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut stems: Vec<String> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
        stems.sort();
        stems
    }

    fn check_tensors(&self) -> Result<(), FixtureError> {
        let Some(described) = self.root().find("tensors") else {
            return Ok(());
        };
        for (name, description) in described.fields() {
            let found = self.tensors.get(name)?;
            self.check_repeated(name, &found.values)?;
            let expected = shape(&description.get("shape")?)?;
            if found.shape != expected {
                return Err(FixtureError::WrongShape {
                    name: name.to_owned(),
                    found: found.shape.clone(),
                    expected: format!("{expected:?} as in the sidecar"),
                });
            }
        }
        Ok(())
    }

    /// A tensor that the sidecar lists as well has the same numbers there.
    fn check_repeated(&self, name: &str, values: &[f64]) -> Result<(), FixtureError> {
        match self.root().find(name).filter(Node::is_list) {
            Some(list) if list.as_numbers()? != values => {
                Err(FixtureError::WrongField { field: name.to_owned(), expected: "what the tensor of that name holds" })
            }
            _ => Ok(()),
        }
    }
}

fn shape(list: &Node<'_>) -> Result<Vec<usize>, FixtureError> {
    list.members().iter().map(Node::as_count).collect()
}

pub(super) fn read_json(path: &Path) -> Result<Value, FixtureError> {
    let text = std::fs::read_to_string(path).map_err(|source| FixtureError::Read { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| FixtureError::Json { path: path.to_owned(), source })
}
