//! Golden vectors of chains, ermongroup.

use undrift_denoisers::{OutputVariance, Variance};
use undrift_noise::Replay;
use undrift_samplers::{Ancestral, sample};
use undrift_schedules::Chain;

use super::ddpm::alpha_bar;
use super::{model, noise};
use crate::conformance::case::{Arithmetic, Cases, Outcome};
use crate::conformance::compare::{Tolerance, compare, compare_each};
use crate::conformance::error::FixtureError;
use crate::conformance::fixture::Fixture;
use crate::conformance::setting;
use crate::conformance::tensors::{Array, images, values};
use crate::conformance::tolerances::{self, Bounded};
use crate::conformance::toy::{Toy, ToyEps};

/// `ddpm_steps` of DDIM's code over its own list of steps: ancestral, fixed large, clipped, single precision.
/// Its `generalized_steps` in the same file are DDIM's own.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let chain = setting::chain(&fixture.root().get("schedule")?)?;
    for name in fixture.tensors().names().filter(|name| name.contains('/')) {
        match name.split_once('/') {
            Some(("ddpm_noisy", "x_final")) => {
                cases.add(name, Arithmetic::F32, final_state(fixture, &chain, name));
            }
            Some((_, "x_after_0")) => cases.add(name, Arithmetic::F32, first_state(fixture, name)),
            _ => cases.not_covered(name, "DDIM's chain is not there yet"),
        }
    }
    Ok(())
}

/// The state before any step is the start of every run.
fn first_state(fixture: &Fixture, name: &str) -> Result<Outcome, FixtureError> {
    let (start, published) = (fixture.tensors().get("x_T")?, fixture.tensors().get(name)?);
    Ok(compare(&start.values, &published.values, Tolerance::EXACT))
}

fn final_state(fixture: &Fixture, chain: &Chain, name: &str) -> Result<Outcome, FixtureError> {
    let (root, run) = (fixture.root(), Arithmetic::F32);
    let visited = root.get("seq")?.members();
    let visited = visited.iter().map(|t| t.as_count()).collect::<Result<Vec<_>, _>>()?;
    let toy = Toy { eps: ToyEps::read(&root.get("toy")?)?, channel: None, alpha_bar: alpha_bar(chain) };
    let rows = moves(&visited, noise(fixture, visited.len())?)?;
    let mut distinct = visited.clone();
    distinct.dedup();
    let rows = rows.iter().map(|row| images("noise", row, run));
    let mut noise = Replay::new(rows.collect::<Result<_, _>>()?);
    let solver = Ancestral { variance: Variance::FixedLarge };
    let grid = setting::at_indices(chain, &distinct)?;
    let model = model(toy, OutputVariance::None, true);
    let x = fixture.tensors().images("x_T", run)?;
    let ours = sample(&*model, &solver, &grid, x, &mut noise).map_err(FixtureError::refused)?;
    let published = &fixture.tensors().get(name)?.values;
    // What the published tables of single precision add in each step; later steps only shrink it.
    let tables: f64 = grid.spans().iter().map(|span| tolerances::single_posterior(*span)).sum();
    let tolerance = tolerances::chain(run, Bounded::Clipped);
    Ok(compare_each(&values(ours), published, |i| tolerance.at(published[i], 0.0) + tables))
}

/// The rows of noise that belong to steps which move. A step from a level to itself has beta 0, which adds
/// nothing; our grids have no such steps. A last step that starts above index 0 adds noise to the data.
fn moves(visited: &[usize], rows: Vec<Array>) -> Result<Vec<Array>, FixtureError> {
    if visited.first() != Some(&0) {
        let reason = "a list of steps whose last one adds noise to the data".to_owned();
        return Err(FixtureError::NotCovered(reason));
    }
    let moves = visited.iter().enumerate().rev().map(|(i, t)| i == 0 || visited[i - 1] != *t);
    let kept = rows.into_iter().zip(moves).filter(|(_, moves)| *moves);
    Ok(kept.map(|(row, _)| row).collect())
}
