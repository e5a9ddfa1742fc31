//! The search for a cure's constants.

use super::grid::{Cure, SamplerGrid};
use super::trained::TrainedRow;
use crate::{Plan, RunError};

/// What a search has tried, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Search<W> {
    /// Row.
    pub row: String,
    /// Solver.
    pub solver: String,
    /// Steps.
    pub steps: usize,
    /// What was searched.
    pub cure: Cure,
    /// Every choice.
    pub tried: Vec<Tried<W>>,
}

/// One choice of constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried<W> {
    /// The cures with their constants, the one next to the network first.
    pub cures: Vec<W>,
    /// Distance for each tuning seed; none where samples are not finite.
    pub distances: Vec<Option<f64>>,
}

impl<W> Search<W> {
    /// The cures of the best choice; none where nothing could be scored.
    pub fn best(&self) -> Option<&[W]> {
        let distances: Vec<&[Option<f64>]> = self.tried.iter().map(|tried| tried.distances.as_slice()).collect();
        best(&distances).map(|index| self.tried[index].cures.as_slice())
    }
}

/// The place of the choice with the smallest mean distance, the first of equals, or of the only one; none where nothing
/// could be scored.
///
/// `distances` holds those of each choice, one per seed; a seed that gave none puts its choice behind all others.
pub fn best(distances: &[&[Option<f64>]]) -> Option<usize> {
    if distances.len() == 1 {
        return Some(0);
    }
    let mean = |one: &[Option<f64>]| {
        let sum: f64 = one.iter().map(|distance| distance.unwrap_or(f64::INFINITY)).sum();
        sum / one.len() as f64
    };
    let means = distances.iter().map(|one| mean(one)).enumerate();
    let scored = means.filter(|(_, mean)| mean.is_finite());
    scored.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
}

/// Scores every choice of `cure` on the networks of the tuning seeds; `fixed` stands next to the network in each.
pub(super) fn search<W: Clone>(
    grid: &dyn SamplerGrid<W>,
    networks: &mut [TrainedRow<'_>],
    (row, solver, steps): (&Plan, usize, usize),
    cure: Cure,
    fixed: &[W],
) -> Result<Search<W>, RunError> {
    let tried = grid.choices(cure).into_iter().map(|choice| {
        let cures: Vec<W> = fixed.iter().cloned().chain([choice]).collect();
        let sampler = grid.sampler(row, solver, steps, &cures);
        let distances = networks.iter_mut().map(|network| {
            let scored = network.scores(&sampler)?;
            Ok(scored.scores.map(|scores| scores.frechet))
        });
        Ok(Tried { cures, distances: distances.collect::<Result<_, RunError>>()? })
    });
    let tried = tried.collect::<Result<_, RunError>>()?;
    let solver = grid.solvers().swap_remove(solver);
    Ok(Search { row: row.id.clone(), solver, steps, cure, tried })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_mean_is_chosen_and_a_failed_seed_is_never_best() {
        let of = |lists: &[[Option<f64>; 2]]| best(&lists.iter().map(<[_; 2]>::as_slice).collect::<Vec<_>>());
        assert_eq!(of(&[[Some(4.0), Some(5.0)], [Some(2.0), Some(5.0)], [Some(2.0), Some(5.0)]]), Some(1));
        assert_eq!(of(&[[Some(1.0), None], [Some(9.0), Some(8.0)]]), Some(1));
        assert_eq!(of(&[[None, None], [Some(1.0), None]]), None);
        assert_eq!(of(&[[None, None]]), Some(0), "the only choice needs no score");
        assert_eq!(of(&[]), None);
    }
}
