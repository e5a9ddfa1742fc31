//! Scores of features and of class probabilities.

mod frechet;
mod inception;

use super::case::Cases;
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let inputs = root.text_or_empty("peer").is_empty() && !root.has("peers");
    if root.has("sets") {
        frechet::run(fixture, cases)
    } else if fixture.peer().contains("isc_features_to_metric") {
        inception::run(fixture, cases)
    } else if inputs && (tensors.find("gen").is_some() || tensors.find("logits").is_some()) {
        cases.note("", "features or logits that other files of the folder score");
        Ok(())
    } else {
        Err(method_of(fixture))
    }
}
