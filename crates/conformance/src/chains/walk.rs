//! Golden vectors of chains, walk.

use std::collections::BTreeMap;

use undrift_denoisers::Denoiser;
use undrift_noise::Replay;
use undrift_samplers::{Solver, steps};
use undrift_schedules::Grid;

use super::noise;
use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{images, values};

/// A solver on its way over a grid, against the states that a published loop recorded.
pub(super) struct Walk<'a> {
    pub(super) fixture: &'a Fixture,
    pub(super) model: &'a dyn Denoiser<4>,
    pub(super) solver: &'a dyn Solver<4>,
    pub(super) grid: &'a Grid,
}

impl Walk<'_> {
    /// Every item `x_after_k`, and the last state as an image where there is one, of the names below `prefix`.
    pub(super) fn compare(
        &self,
        prefix: &str,
        run: Arithmetic,
        tolerance: Tolerance,
        cases: &mut Cases,
    ) -> Result<(), FixtureError> {
        let tensors = self.fixture.tensors();
        let items: Vec<&str> = tensors.names().filter_map(|name| name.strip_prefix(prefix)).collect();
        let items: Vec<&str> = items.into_iter().filter(|item| !item.contains('/') && *item != "x_T").collect();
        if items.is_empty() {
            return Ok(());
        }
        let states = self.states(run)?;
        for item in items.into_iter().filter(|item| *item != "noise") {
            let published = &tensors.get(&format!("{prefix}{item}"))?.values;
            let ours = of_item(item, &states);
            cases.add(item, run, ours.map(|ours| compare(&ours, published, tolerance)));
        }
        Ok(())
    }

    /// The labels of the visited levels against a list of them, noisiest first.
    pub(super) fn compare_times(&self, item: &str, published: &[f64], cases: &mut Cases) {
        let ours: Vec<f64> = self.grid.levels().map(|level| level.time()).collect();
        cases.add(item, Arithmetic::F64, Ok(compare(&ours, published, Tolerance::EXACT)));
    }

    /// The state after every step, by number of steps taken.
    fn states(&self, run: Arithmetic) -> Result<BTreeMap<usize, Vec<f64>>, FixtureError> {
        let x = self.fixture.tensors().images("x_T", run)?;
        let recorded = self.fixture.root().has("noise") || self.fixture.tensors().find("noise").is_some();
        // A chain that draws nothing has no noise beside it; one that draws all the same fails.
        let rows = if recorded { noise(self.fixture, self.grid.steps())? } else { Vec::new() };
        let rows = rows.iter().map(|row| images("noise", row, run));
        let mut noise = Replay::new(rows.collect::<Result<_, _>>()?);
        let mut states = BTreeMap::from([(0, values(x.clone()))]);
        for (k, step) in steps(self.model, self.solver, self.grid, x, &mut noise).enumerate() {
            states.insert(k + 1, values(step.map_err(FixtureError::refused)?.x));
        }
        Ok(states)
    }
}

fn of_item(item: &str, states: &BTreeMap<usize, Vec<f64>>) -> Result<Vec<f64>, FixtureError> {
    let unknown = || FixtureError::NotCovered(format!("an item called `{item}`"));
    if item == "returned_image_0_1" {
        let (_, last) = states.last_key_value().ok_or_else(unknown)?;
        return Ok(last.iter().map(|x| (0.5 * (x + 1.0)).clamp(0.0, 1.0)).collect());
    }
    let after = item.strip_prefix("x_after_").and_then(|k| k.parse::<usize>().ok());
    after.and_then(|k| states.get(&k)).cloned().ok_or_else(unknown)
}
