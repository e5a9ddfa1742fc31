//! Golden vectors of chains, ermongroup.

use undrift_denoisers::{OutputVariance, Variance};
use undrift_noise::Replay;
use undrift_samplers::{Ancestral, Ddim, Solver, steps};
use undrift_schedules::Grid;

use super::ddpm::alpha_bar;
use super::{model, noise};
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{Tolerance, compare, compare_each};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::setting;
use crate::tensors::{Array, images, values};
use crate::tolerances::{self, Bounded};
use crate::toy::{Toy, ToyEps};

/// `generalized_steps` of DDIM's code over its own list of steps, never clipped, and its `ddpm_steps`: ancestral,
/// fixed large, clipped. Single precision.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let walk = Walk::read(fixture)?;
    for name in fixture.tensors().names().filter(|name| name.contains('/')) {
        let compared = match name.split_once('/') {
            Some(("ddpm_noisy", "x_final")) => walk.larger_variance(name),
            Some((_, "x_after_0")) => first_state(fixture, name),
            Some((eta, state)) => walk.implicit(name, eta, state),
            None => continue,
        };
        cases.add(name, Arithmetic::F32, compared);
    }
    Ok(())
}

/// The state before any step is the start of every run.
fn first_state(fixture: &Fixture, name: &str) -> Result<Outcome, FixtureError> {
    let (start, published) = (fixture.tensors().get("x_T")?, fixture.tensors().get(name)?);
    Ok(compare(&start.values, &published.values, Tolerance::EXACT))
}

const RUN: Arithmetic = Arithmetic::F32;

struct Walk<'a> {
    fixture: &'a Fixture,
    visited: Vec<usize>,
    grid: Grid,
    toy: Toy,
}

impl<'a> Walk<'a> {
    fn read(fixture: &'a Fixture) -> Result<Self, FixtureError> {
        let root = fixture.root();
        let chain = setting::chain(&root.get("schedule")?)?;
        let visited = root.get("seq")?.members();
        let visited = visited.iter().map(|t| t.as_count()).collect::<Result<Vec<_>, _>>()?;
        let mut distinct = visited.clone();
        distinct.dedup();
        let toy = Toy { eps: ToyEps::read(&root.get("toy")?)?, channel: None, alpha_bar: alpha_bar(&chain) };
        Ok(Walk { fixture, visited, grid: setting::at_indices(&chain, &distinct)?, toy })
    }

    /// The state after every step of our grid, in which no step stands still.
    fn states(&self, solver: &dyn Solver<4>, clip: bool) -> Result<Vec<Vec<f64>>, FixtureError> {
        let rows = moves(&self.visited, noise(self.fixture, self.visited.len())?);
        let rows = rows.iter().map(|row| images("noise", row, RUN));
        let mut noise = Replay::new(rows.collect::<Result<_, _>>()?);
        let model = model(self.toy.clone(), OutputVariance::None, clip);
        let x = self.fixture.tensors().images("x_T", RUN)?;
        let mut states = vec![values(x.clone())];
        for step in steps(&*model, solver, &self.grid, x, &mut noise) {
            states.push(values(step.map_err(FixtureError::refused)?.x));
        }
        Ok(states)
    }

    /// `eta0.5/x_after_10`.
    fn implicit(&self, name: &str, eta: &str, state: &str) -> Result<Outcome, FixtureError> {
        let unknown = || FixtureError::NotCovered(format!("an item called `{name}`"));
        let eta = eta.strip_prefix("eta").and_then(|eta| eta.parse().ok()).ok_or_else(unknown)?;
        let after: usize = state.strip_prefix("x_after_").and_then(|k| k.parse().ok()).ok_or_else(unknown)?;
        let moved = moving(&self.visited).take(after).filter(|moves| *moves).count();
        let states = self.states(&Ddim { eta, keep_eps: false }, false)?;
        let bounded = match self.toy.eps {
            ToyEps::Gauss { .. } => Bounded::Exact,
            ToyEps::Tanh { .. } => Bounded::Grows,
        };
        let published = &self.fixture.tensors().get(name)?.values;
        let ours = states.get(moved).ok_or_else(unknown)?;
        Ok(compare(ours, published, tolerances::chain(RUN, bounded)))
    }

    fn larger_variance(&self, name: &str) -> Result<Outcome, FixtureError> {
        if self.visited.first() != Some(&0) {
            let reason = "a list of steps whose last one adds noise to the data".to_owned();
            return Err(FixtureError::NotCovered(reason));
        }
        let states = self.states(&Ancestral { variance: Variance::FixedLarge }, true)?;
        let ours = states.last().ok_or(FixtureError::NothingCompared)?;
        let published = &self.fixture.tensors().get(name)?.values;
        // What the published tables of single precision add in each step; later steps only shrink it.
        let tables: f64 = self.grid.spans().iter().map(|span| tolerances::single_posterior(*span)).sum();
        let tolerance = tolerances::chain(RUN, Bounded::Clipped);
        Ok(compare_each(ours, published, |i| tolerance.at(published[i], 0.0) + tables))
    }
}

/// Whether each published step moves, noisiest first: a list may name a level twice.
fn moving(visited: &[usize]) -> impl Iterator<Item = bool> + '_ {
    visited.iter().enumerate().rev().map(|(i, t)| i == 0 || visited[i - 1] != *t)
}

/// The rows of noise that belong to steps which move. A step from a level to itself has beta 0, which adds
/// nothing; our grids have no such steps.
fn moves(visited: &[usize], rows: Vec<Array>) -> Vec<Array> {
    let kept = rows.into_iter().zip(moving(visited)).filter(|(_, moves)| *moves);
    kept.map(|(row, _)| row).collect()
}
