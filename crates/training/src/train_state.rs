//! All that a stopped training run needs to go on, as one file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use burn::tensor::{DType, TensorData};
use undrift_files::{Weights, from_bytes, to_bytes, write_atomically};
use undrift_networks::{Mismatch, NetworkError, Trainable};

use crate::TrainError;

/// Everything a training run needs to go on bit for bit: weights, moving average, Adam's moments, the
/// number of steps, and free text of the caller's, such as the recipe.
///
/// # Format
/// One safetensors file. Parameter `x` is the tensors `raw.x`, `averaged.x`, `first_moment.x` and
/// `second_moment.x`, in the precision of the network, and after them `averaged-n.x` for each further moving average
/// `n`; the number of steps is the metadata entry `training_step`, text `k` of the caller's is the entry `note.k`. The
/// same state gives the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainState {
    step: u64,
    metadata: BTreeMap<String, String>,
    parameters: Vec<ParameterState>,
}

/// The tensors of one parameter, in the order of [`PARTS`], of one shape and element type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParameterState {
    pub(crate) name: String,
    pub(crate) parts: [TensorData; 4],
    /// Further averages, by name.
    pub(crate) others: BTreeMap<String, TensorData>,
}

/// What is kept of each parameter, which is how the names in the file begin.
const PARTS: [&str; 4] = ["raw", "averaged", "first_moment", "second_moment"];

/// How the names of further averages begin; the name of the average follows.
const OTHER: &str = "averaged-";

/// Metadata entry with the number of steps.
const STEP: &str = "training_step";

/// How the metadata entries of the caller begin.
const NOTE: &str = "note.";

impl TrainState {
    pub(crate) fn new(step: u64, metadata: BTreeMap<String, String>, parameters: Vec<ParameterState>) -> Self {
        TrainState { step, metadata, parameters }
    }

    /// Number of steps made.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The caller's own text.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The last weights, by name, as [`undrift_networks::apply_parameters`] takes them.
    pub fn raw(&self) -> Vec<(String, TensorData)> {
        self.part(0)
    }

    /// The moving average of the weights, by name, as [`undrift_networks::apply_parameters`] takes it.
    pub fn averaged(&self) -> Vec<(String, TensorData)> {
        self.part(1)
    }

    /// Names of the further moving averages, sorted.
    pub fn averages(&self) -> Vec<String> {
        self.parameters.first().map(|parameter| parameter.others.keys().cloned().collect()).unwrap_or_default()
    }

    /// A further moving average of the weights, by name, as [`undrift_networks::apply_parameters`] takes it; `None`
    /// where there is none of this name.
    pub fn average(&self, name: &str) -> Option<Vec<(String, TensorData)>> {
        let of = |parameter: &ParameterState| Some((parameter.name.clone(), parameter.others.get(name)?.clone()));
        self.parameters.iter().map(of).collect()
    }

    /// Writes the state to a file, which is the old one or the new one at any moment, never half of it.
    ///
    /// # Errors
    /// [`TrainError::Write`]; a file that was there before is untouched. [`TrainError::Unwritable`] for a
    /// network that holds neither f32 nor f64.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let parts = self.parameters.iter().flat_map(|parameter| {
            let named = |(part, data): (&str, &TensorData)| (format!("{part}.{}", parameter.name), data.clone());
            let others = parameter.others.iter().map(move |(name, data)| named((&format!("{OTHER}{name}"), data)));
            PARTS.into_iter().zip(&parameter.parts).map(named).chain(others)
        });
        let mut metadata = BTreeMap::from([(STEP.to_owned(), self.step.to_string())]);
        metadata.extend(self.metadata.iter().map(|(key, text)| (format!("{NOTE}{key}"), text.clone())));
        let bytes = to_bytes(&parts.collect::<Vec<_>>(), &metadata)?;
        write_atomically(path, &bytes).map_err(|source| TrainError::Write { path: path.into(), source })
    }

    /// Reads a state that [`save`](TrainState::save) has written.
    ///
    /// # Errors
    /// [`TrainError::Read`] for a file that cannot be read, [`TrainError::Malformed`] for one that is cut
    /// short or no safetensors file, [`TrainError::NoTrainState`], [`TrainError::Foreign`] and
    /// [`TrainError::PartsDiffer`] for one that holds something else.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        let bytes = fs::read(path).map_err(|source| TrainError::Read { path: path.into(), source })?;
        let weights = from_bytes(&bytes).map_err(|source| TrainError::Malformed { path: path.into(), source })?;
        let lacking = || TrainError::NoTrainState { path: path.into(), lacking: format!("metadata entry {STEP}") };
        let step = weights.metadata.get(STEP).and_then(|step| step.parse().ok()).ok_or_else(lacking)?;
        let notes = weights.metadata.iter().filter_map(|(key, text)| Some((key.strip_prefix(NOTE)?, text)));
        let metadata = notes.map(|(key, text)| (key.to_owned(), text.clone())).collect();
        Ok(TrainState { step, metadata, parameters: parameters_of(weights, path)? })
    }

    /// The parameters in the order of the module's own, after a check that they are the same ones.
    pub(crate) fn in_order_of<M: Trainable>(&self, module: &M) -> Result<Vec<&ParameterState>, TrainError> {
        let shapes = module.shapes();
        let mismatch = Mismatch::between(&shapes, &self.raw());
        if !mismatch.is_empty() {
            return Err(NetworkError::Mismatch(mismatch).into());
        }
        let by_name: HashMap<&str, &ParameterState> = self.parameters.iter().map(|p| (p.name.as_str(), p)).collect();
        Ok(shapes.iter().map(|(name, _)| by_name[name.as_str()]).collect())
    }

    fn part(&self, part: usize) -> Vec<(String, TensorData)> {
        self.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.parts[part].clone())).collect()
    }
}

impl ParameterState {
    pub(crate) fn check_element_type(&self, expected: DType) -> Result<(), TrainError> {
        let found = self.parts[0].dtype();
        if found == expected {
            return Ok(());
        }
        let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
        Err(TrainError::ElementType { name: self.name.clone(), expected, found })
    }
}

fn parameters_of(weights: Weights, path: &Path) -> Result<Vec<ParameterState>, TrainError> {
    let raw = |name: &String| name.strip_prefix(PARTS[0])?.strip_prefix('.').map(str::to_owned);
    let names: Vec<String> = weights.parameters.iter().filter_map(|(name, _)| raw(name)).collect();
    let other = |name: &String| Some(name.strip_prefix(OTHER)?.split_once('.')?.0.to_owned());
    let others: BTreeSet<String> = weights.parameters.iter().filter_map(|(name, _)| other(name)).collect();
    let mut tensors = Tensors { path, left: weights.parameters.into_iter().collect() };
    let parameters = names.into_iter().map(|name| tensors.parameter(name, &others));
    let parameters = parameters.collect::<Result<_, _>>()?;
    match tensors.left.into_keys().min() {
        Some(name) => Err(TrainError::Foreign { path: path.into(), name }),
        None => Ok(parameters),
    }
}

/// The tensors of a file that belong to no parameter yet.
struct Tensors<'a> {
    path: &'a Path,
    left: HashMap<String, TensorData>,
}

impl Tensors<'_> {
    fn parameter(&mut self, name: String, others: &BTreeSet<String>) -> Result<ParameterState, TrainError> {
        let raw = self.take(PARTS[0], &name)?;
        let [average, first, second] = [1, 2, 3].map(|part| self.like(&raw, PARTS[part], &name));
        let others =
            others.iter().map(|other| Ok((other.clone(), self.like(&raw, &format!("{OTHER}{other}"), &name)?)));
        let others = others.collect::<Result<_, TrainError>>()?;
        Ok(ParameterState { name, parts: [raw, average?, first?, second?], others })
    }

    fn take(&mut self, part: &str, name: &str) -> Result<TensorData, TrainError> {
        let key = format!("{part}.{name}");
        let lacking = || TrainError::NoTrainState { path: self.path.into(), lacking: format!("tensor {key}") };
        self.left.remove(&key).ok_or_else(lacking)
    }

    /// A tensor of the shape and element type of `raw`.
    fn like(&mut self, raw: &TensorData, part: &str, name: &str) -> Result<TensorData, TrainError> {
        let data = self.take(part, name)?;
        if (raw.shape(), raw.dtype()) != (data.shape(), data.dtype()) {
            return Err(TrainError::PartsDiffer { path: self.path.into(), name: format!("{part}.{name}") });
        }
        Ok(data)
    }
}
