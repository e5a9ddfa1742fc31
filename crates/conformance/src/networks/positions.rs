//! A transformer's table of positions.

use undrift_networks::DitConfig;

use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;

/// Tables by width and side, as `dim64_grid4`.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    for name in fixture.tensors().names() {
        let sizes = name.strip_prefix("dim").and_then(|rest| rest.split_once("_grid"));
        let Some((Ok(width), Ok(input_size))) = sizes.map(|(dim, grid)| (dim.parse(), grid.parse())) else {
            cases.not_covered(name, "a table of another kind");
            continue;
        };
        let table = DitConfig { width, input_size, patch: 1, ..DitConfig::small(2) }.position_table();
        let ours: Vec<f64> = table.iter::<f64>().collect();
        let recorded = &fixture.tensors().get(name)?.values;
        cases.add(name, Arithmetic::F64, Ok(compare(&ours, recorded, Tolerance::absolute(1e-12))));
    }
    Ok(())
}
