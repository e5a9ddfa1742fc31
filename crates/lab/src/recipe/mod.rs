//! Recipes: experiments as data.
//!
//! A recipe file holds the experiment's settings, named presets and rows.
//! A preset overrides single keys of the settings, a row overrides them once more; the result is an
//! [`Experiment`] per row, in which every key has a value.

mod alike;
mod built;
mod differing;
mod keys;
mod limits;
mod load;
mod reference;
mod settings;
mod validate;
mod validate_model;
mod validate_study;

pub use built::{Built, Misfit};
pub use keys::{KEYS, Key, Need, TABLES};
pub use load::{BUILT_IN, built_in, load};
pub use reference::reference;
pub use settings::{
    DataSettings, EmaSettings, MetricSettings, ModelSettings, SamplingSettings, Settings, TrainingSettings, WeightSet,
};

use crate::exposure::ExposureSettings;
use crate::report::Published;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A recipe with one preset chosen: what the run directory saves as `recipe.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name, used for the default run directory.
    pub name: String,
    /// Heading of the report.
    pub title: String,
    /// The preset that was chosen.
    pub preset: String,
    /// What the report says about the rows and their published numbers, one sentence or a few each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The row that the others are held against in the report; the first one if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Seeds; each row is trained and sampled once per seed.
    pub seeds: Vec<u64>,
    /// What is compared, if this is a study of exposure bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<ExposureSettings>,
    /// One experiment per row of the table.
    pub rows: Vec<Experiment>,
}

/// One row of a table: every setting resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Short identifier, also the row's directory name.
    pub id: String,
    /// The row's name in the report.
    pub label: String,
    /// The published scores of this row (none where the paper leaves it blank).
    #[serde(default)]
    pub published: Published,
    /// The settings.
    pub settings: Settings,
}

impl Recipe {
    /// Keeps only the rows named, in the recipe's order.
    ///
    /// # Errors
    /// [`RecipeError::UnknownRow`] names the rows that exist.
    pub fn with_rows(mut self, wanted: &[String]) -> Result<Self, RecipeError> {
        for id in wanted {
            if !self.rows.iter().any(|row| &row.id == id) {
                let known = self.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>().join(", ");
                return Err(RecipeError::UnknownRow { id: id.clone(), known });
            }
        }
        self.rows.retain(|row| wanted.contains(&row.id));
        Ok(self)
    }

    /// The recipe as TOML, in the form that the run directory keeps.
    ///
    /// # Panics
    /// Never for a recipe that was loaded: all of its values have a TOML form.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a loaded recipe has a TOML form")
    }
}

/// What can be wrong with a recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// No such built-in recipe and no such file.
    #[error("no built-in recipe is called `{name}`, and there is no such file; built-in: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The built-in recipes.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the recipe {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{origin} is not valid TOML: {source}")]
    Syntax {
        /// The file or built-in recipe.
        origin: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A key is unknown, missing or of the wrong type.
    #[error("{origin}: at `{path}`: {message}")]
    Field {
        /// The file or built-in recipe, and the row.
        origin: String,
        /// Dotted path of the key.
        path: String,
        /// What is wrong, and what is accepted.
        message: String,
    },
    /// The preset does not exist.
    #[error("{origin} has no preset `{preset}`; it has: {known}")]
    UnknownPreset {
        /// The file or built-in recipe.
        origin: String,
        /// What was asked for.
        preset: String,
        /// The presets that exist.
        known: String,
    },
    /// The row does not exist.
    #[error("no row is called `{id}`; the rows are: {known}")]
    UnknownRow {
        /// What was asked for.
        id: String,
        /// The rows that exist.
        known: String,
    },
    /// A value is impossible.
    #[error("row `{row}`: `{field}` is {value}, but {rule}")]
    Impossible {
        /// The row.
        row: String,
        /// Dotted path of the key.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        rule: String,
    },
    /// A value that concerns all rows is impossible.
    #[error("`{field}` is {value}, but {rule}")]
    ImpossibleWhole {
        /// The key.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        rule: &'static str,
    },
    /// A method does not exist, or does not fit.
    #[error("row `{row}`: `{field}`: {source}")]
    Method {
        /// The row.
        row: String,
        /// Dotted path of the key that names it.
        field: &'static str,
        /// Why.
        source: Box<crate::methods::MethodError>,
    },
    /// The network cannot be made.
    #[error("row `{row}`: `network`: {source}")]
    Network {
        /// The row.
        row: String,
        /// Why.
        source: undrift_networks::NetworkError,
    },
}
