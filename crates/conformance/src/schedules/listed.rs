//! Lists of our own beside those of a sidecar.

use undrift_schedules::Grid;

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::comparison::Tolerance;
use crate::error::FixtureError;
use crate::sidecar::Node;

/// Compares a list of our own with a field of the sidecar; schedules are computed in f64 only.
pub(super) fn against(
    ours: Result<Vec<f64>, FixtureError>,
    published: &Node<'_>,
    field: &str,
    tolerance: Tolerance,
) -> Result<Outcome, FixtureError> {
    Ok(compare(&ours?, &published.numbers(field)?, tolerance))
}

/// Adds a comparison in double precision.
pub(super) fn add(cases: &mut Cases, item: &str, compared: Result<Outcome, FixtureError>) {
    cases.add(item, Arithmetic::F64, compared);
}

pub(super) fn whole(list: impl IntoIterator<Item = usize>) -> Vec<f64> {
    list.into_iter().map(|index| index as f64).collect()
}

pub(super) fn signed(list: impl IntoIterator<Item = i64>) -> Vec<f64> {
    list.into_iter().map(|index| index as f64).collect()
}

/// The sigmas of a grid.
pub(super) fn sigmas(grid: &Grid) -> Vec<f64> {
    grid.levels().map(|level| level.sigma()).collect()
}
