//! The words of runners and toy models, written into the sidecars that have none.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::derived::Derived;
use crate::error::{ConformanceError, FixtureError};
use crate::fixture::Fixture;
use crate::folder::entries;
use crate::runner::{Chains, Losses, Metrics, Networks, Schedules, Steps};
use crate::stated::{self, MODEL, RUNNER};
use crate::toy_model::ToyModel;

/// The runner of a sidecar as a word.
type WordOf = fn(&Fixture) -> Result<String, FixtureError>;

/// The groups whose sidecars have runners.
const GROUPS: [(&str, WordOf); 6] = [
    ("schedules", word_of::<Schedules>),
    ("losses", word_of::<Losses>),
    ("steps", word_of::<Steps>),
    ("chains", word_of::<Chains>),
    ("metrics", word_of::<Metrics>),
    ("networks", word_of::<Networks>),
];

/// What a sidecar says, or should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Group and file without its ending.
    pub file: String,
    /// The runner in JSON, or why there is none.
    pub runner: Result<String, String>,
    /// The toy model in JSON, where there is one.
    pub model: Option<String>,
    /// Whether the sidecar itself says all of this.
    pub stated: bool,
}

/// The words of every sidecar below `fixtures`; with `write` they are written into those that have none, whose other
/// content stays as it is.
///
/// # Errors
/// [`ConformanceError::Read`] and [`ConformanceError::Write`] for files that cannot be read or written.
pub fn words(fixtures: &Path, write: bool) -> Result<Vec<Words>, ConformanceError> {
    let mut all = Vec::new();
    for (group, word_of) in GROUPS {
        let folder = fixtures.join(group);
        for path in if folder.is_dir() { entries(&folder)? } else { Vec::new() } {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if path.extension().is_some_and(|ending| ending == "json") && !stem.starts_with('_') {
                let words = of_file(&folder, group, &stem, word_of);
                if write && !words.stated {
                    write_into(path, &words)?;
                }
                all.push(words);
            }
        }
    }
    Ok(all)
}

fn word_of<R: Serialize + DeserializeOwned + Derived>(fixture: &Fixture) -> Result<String, FixtureError> {
    let word = serde_json::to_string(&stated::runner::<R>(fixture)?);
    word.map_err(|source| FixtureError::Word { path: fixture.path(), field: RUNNER, source })
}

fn of_file(folder: &Path, group: &str, stem: &str, word_of: WordOf) -> Words {
    let file = format!("{group}/{stem}");
    let fixture = match Fixture::read(folder, stem) {
        Ok(fixture) => fixture,
        Err(error) => return Words { file, runner: Err(error.to_string()), model: None, stated: false },
    };
    let runner = word_of(&fixture).map_err(|error| error.to_string());
    let model = stated::model(&fixture).ok().filter(|model| *model != ToyModel::default());
    let model = model.and_then(|model| serde_json::to_string(&model).ok());
    let has = |field| fixture.value(field).is_ok();
    let stated = has(RUNNER) && (model.is_none() || has(MODEL));
    Words { file, runner, model, stated }
}

/// Puts the words behind the first brace.
fn write_into(path: PathBuf, words: &Words) -> Result<(), ConformanceError> {
    let Ok(runner) = &words.runner else { return Ok(()) };
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|source| ConformanceError::Read { path: path.clone(), source })?;
    let Some(rest) = text.trim_start().strip_prefix('{') else { return Ok(()) };
    let sidecar: Value = serde_json::from_str(&text).unwrap_or_default();
    let lines = [(RUNNER, Some(runner)), (MODEL, words.model.as_ref())].into_iter();
    let missing = lines.filter(|(field, _)| sidecar.get(field).is_none());
    let lines: String = missing.filter_map(|(field, word)| Some(format!("\n\"{field}\": {},", word?))).collect();
    std::fs::write(&path, format!("{{{lines}{rest}")).map_err(|source| ConformanceError::Write { path, source })
}
