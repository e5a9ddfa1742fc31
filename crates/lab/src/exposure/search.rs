//! What the search for a cure's constants came to.

use crate::methods::{Given, Method};
use serde::{Deserialize, Serialize};
use undrift_studies::exposure::best;

/// What a search has tried, in its order, and what was best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Row.
    pub row: String,
    /// Solver.
    pub solver: String,
    /// Steps.
    pub steps: usize,
    /// What was searched: `epsilon-scaling`, `time-shift`, or both.
    pub cure: super::Cure,
    /// Every choice, with the distance of each tuning seed (`None` where samples are not finite).
    pub tried: Vec<Tried>,
}

/// One choice of constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// The wrappers with their constants, the one next to the network first.
    pub wrappers: Vec<Method>,
    /// Distance for each tuning seed.
    pub distances: Vec<Option<f64>>,
}

impl Tried {
    /// Mean distance over the tuning seeds; infinite where a seed failed.
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.distances.iter().map(|distance| distance.unwrap_or(f64::INFINITY)).sum();
        sum / self.distances.len() as f64
    }

    /// The value of a parameter, for plots.
    pub fn number(&self, method: &str, parameter: &str) -> Option<f64> {
        let method = self.wrappers.iter().find(|wrapper| wrapper.name == method)?;
        method.given(parameter)?.number()
    }
}

impl Search {
    /// The choice with the smallest mean distance, the first of equals, or the only one; none where nothing could be
    /// scored.
    pub fn best(&self) -> Option<&Tried> {
        let distances: Vec<&[Option<f64>]> = self.tried.iter().map(|tried| tried.distances.as_slice()).collect();
        best(&distances).map(|index| &self.tried[index])
    }

    /// The constants of the best choice that are the smallest or the largest of several tried, so that a better one
    /// may lie beyond, as `window=20, cutoff=150`; none where all lie inside their lists.
    pub fn edge(&self) -> Option<String> {
        let best = self.best()?;
        let ends = best.wrappers.iter().flat_map(|wrapper| {
            let at_an_end = |(key, _): &&(String, Given)| self.is_at_an_end(best, &wrapper.name, key);
            wrapper.given.iter().filter(at_an_end).map(|(key, value)| format!("{key}={value}"))
        });
        let ends: Vec<String> = ends.collect();
        (!ends.is_empty()).then(|| ends.join(", "))
    }

    fn is_at_an_end(&self, best: &Tried, method: &str, parameter: &str) -> bool {
        let Some(value) = best.number(method, parameter) else { return false };
        let tried = || self.tried.iter().filter_map(|tried| tried.number(method, parameter));
        let (smallest, largest) = (tried().fold(value, f64::min), tried().fold(value, f64::max));
        smallest < largest && (value == smallest || value == largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposure::{Cure, scalings, shifts};

    fn search(distances: &[f64]) -> Search {
        let tried = distances.iter().enumerate().map(|(i, &distance)| Tried {
            wrappers: scalings(&[1.0 + i as f64]),
            distances: vec![(distance > 0.0).then_some(distance), Some(5.0)],
        });
        let (row, solver) = ("baseline".to_owned(), "ddim".to_owned());
        Search { row, solver, steps: 10, cure: Cure::EpsilonScaling, tried: tried.collect() }
    }

    #[test]
    fn the_smallest_mean_is_chosen_and_edges_are_seen() {
        let inside = search(&[4.0, 2.0, 3.0]);
        assert_eq!(inside.best().unwrap().number("epsilon-scaling", "b"), Some(2.0));
        assert_eq!(inside.edge(), None);
        assert_eq!(search(&[4.0, 3.0, 2.0]).edge().as_deref(), Some("b=3"));
        assert_eq!(search(&[0.0, 9.0, 8.0]).best().unwrap().mean(), 6.5, "a failed seed is never best");
    }

    #[test]
    fn each_constant_of_a_pair_has_its_own_edge() {
        let edge = |best: usize| {
            let tried = shifts(&[4, 10, 20], &[50, 100, 150]).into_iter().enumerate().map(|(i, shift)| Tried {
                wrappers: scalings(&[1.02]).into_iter().chain([shift]).collect(),
                distances: vec![Some(if i == best { 1.0 } else { 2.0 })],
            });
            Search { cure: Cure::TimeShift, tried: tried.collect(), ..search(&[]) }.edge()
        };
        let expected = [
            Some("window=4, cutoff=50"),
            Some("window=4"),
            Some("window=4, cutoff=150"),
            Some("cutoff=50"),
            None,
            Some("cutoff=150"),
            Some("window=20, cutoff=50"),
            Some("window=20"),
            Some("window=20, cutoff=150"),
        ];
        assert_eq!((0..9).map(edge).collect::<Vec<_>>(), expected.map(|edge| edge.map(str::to_owned)));
        let only = Search { tried: vec![search(&[4.0]).tried.remove(0)], ..search(&[]) };
        assert_eq!(only.edge(), None, "a list of one was not searched");
    }

    #[test]
    fn nothing_scored_is_nothing_chosen_unless_there_is_no_choice() {
        assert_eq!(search(&[0.0, 0.0]).best(), None);
        assert!(search(&[0.0]).best().is_some());
    }
}
