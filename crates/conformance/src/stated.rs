//! What a sidecar states: its runner and its toy model, derived where it is of the old form.

use serde::de::DeserializeOwned;

use crate::derived::Derived;
use crate::derived_model;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::method::method_of;
use crate::toy_model::ToyModel;

/// The field of the runner.
pub(crate) const RUNNER: &str = "runner";
/// The field of the toy model.
pub(crate) const MODEL: &str = "model";

/// The runner that proves a file.
///
/// # Errors
/// A word that does not exist, with those that do; a file that no runner fits.
pub(crate) fn runner<R: DeserializeOwned + Derived>(fixture: &Fixture) -> Result<R, FixtureError> {
    match word(fixture, RUNNER)? {
        Some(runner) => Ok(runner),
        None => R::of(fixture).ok_or_else(|| method_of(fixture)),
    }
}

/// The toy model that a file was made with.
///
/// # Errors
/// A model of another form; a formula that is not known here.
pub(crate) fn model(fixture: &Fixture) -> Result<ToyModel, FixtureError> {
    word(fixture, MODEL)?.map_or_else(|| derived_model::of(fixture), Ok)
}

/// A typed field, if it is there.
pub(crate) fn word<T: DeserializeOwned>(fixture: &Fixture, field: &'static str) -> Result<Option<T>, FixtureError> {
    let Ok(value) = fixture.value(field) else { return Ok(None) };
    let typed = T::deserialize(value);
    typed.map(Some).map_err(|source| FixtureError::Word { path: fixture.path(), field, source })
}
