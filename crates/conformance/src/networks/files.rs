//! Files of weights: each must give the output that was recorded with the same weights.

use std::path::Path;

use burn::tensor::DType;
use undrift_checkpoints::Published;

use super::peer::Peer;
use super::recorded::Input;
use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::device;
use crate::tolerances;

/// The files that a sidecar without numbers describes.
pub(super) fn beside(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    for ending in ["safetensors", "pt"] {
        let name = format!("{}.{ending}", fixture.stem());
        if fixture.file(&name).is_file() {
            check(fixture, &fixture.file(&name), ending, cases)?;
        }
    }
    Ok(())
}

/// One file of weights without a sidecar.
pub(crate) fn run(folder: &Path, name: &str, cases: &mut Cases) -> Result<(), FixtureError> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let fixture = recorded_with(folder, stem).ok_or_else(alone)??;
    check(&fixture, &folder.join(name), "", cases)
}

/// The recorded run whose name, without `_io`, the file's begins with.
fn recorded_with(folder: &Path, stem: &str) -> Option<Result<Fixture, FixtureError>> {
    let ends = stem.char_indices().map(|(at, _)| at).chain([stem.len()]);
    let mut starts: Vec<&str> = ends.map(|end| &stem[..end]).collect();
    starts.reverse();
    let found = starts.into_iter().find(|start| folder.join(format!("{start}_io.json")).is_file())?;
    Some(Fixture::read(folder, &format!("{found}_io")))
}

fn check(described: &Fixture, file: &Path, item: &str, cases: &mut Cases) -> Result<(), FixtureError> {
    let run = Arithmetic::F32;
    let other = match described.tensors().find("output") {
        Some(_) => None,
        None => Some(recorded_with(described.folder(), described.stem()).ok_or_else(alone)??),
    };
    let recorded = other.as_ref().unwrap_or(described);
    let given = Peer::read(recorded)?.given()?;
    let published = Published::open(file, &given).map_err(FixtureError::refused)?;
    let network = published.load(&device(), DType::F32).map_err(FixtureError::refused)?;
    let output = Input::read(recorded, run, &device())?.through(&network);
    let expected = &recorded.tensors().get("output")?.values;
    cases.add(item, run, Ok(compare(&output.values, expected, tolerances::network_output(published.layout(), run))));
    Ok(())
}

fn alone() -> FixtureError {
    FixtureError::NotCovered("weights without a recorded output".to_owned())
}
