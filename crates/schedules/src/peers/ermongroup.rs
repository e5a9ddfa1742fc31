//! The subsequences of the DDIM authors' code (ermongroup/ddim).

use super::{PeerError, check};
use crate::chain::linspace;

/// Indices `0, s, 2s, ..` below `len` with the integer stride `s = floor(len / steps)`, ascending.
///
/// Whenever `steps` does not divide `len` the list may be longer than asked for: 30 of 1000 gives 31.
/// Song, Meng, Ermon 2020, arXiv:2010.02502, from their code.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn ermongroup_uniform(len: usize, steps: usize) -> Result<Vec<usize>, PeerError> {
    check(steps, len)?;
    Ok((0..len).step_by(len / steps).collect())
}

/// Squares of `steps` even values from 0 to `sqrt(0.8 len)`, rounded down, ascending.
///
/// The first indices repeat when `steps` is large: 50 of 1000 has 49 distinct indices, 100 has 96;
/// each repeat is a wasted network call. Song, Meng, Ermon 2020, arXiv:2010.02502, from their code.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn ermongroup_quadratic(len: usize, steps: usize) -> Result<Vec<usize>, PeerError> {
    check(steps, len)?;
    Ok(linspace(0.0, (len as f64 * 0.8).sqrt(), steps).map(|root| (root * root) as usize).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_gives_more_than_asked_for() {
        for (steps, given) in [(10, 10), (30, 31), (53, 56), (60, 63), (300, 334)] {
            assert_eq!(ermongroup_uniform(1000, steps).unwrap().len(), given);
        }
        assert_eq!(ermongroup_uniform(1000, 0), Err(PeerError::Steps { steps: 0, len: 1000 }));
        assert_eq!(ermongroup_uniform(10, 11), Err(PeerError::Steps { steps: 11, len: 10 }));
    }

    #[test]
    fn quadratic_repeats_the_first_indices() {
        assert_eq!(ermongroup_quadratic(1000, 10).unwrap(), [0, 9, 39, 88, 158, 246, 355, 483, 632, 800]);
        for (steps, distinct) in [(10, 10), (50, 49), (100, 96)] {
            let mut list = ermongroup_quadratic(1000, steps).unwrap();
            assert_eq!(list.len(), steps);
            list.dedup();
            assert_eq!(list.len(), distinct);
        }
    }
}
