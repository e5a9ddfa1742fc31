//! The step lists of the time-shift sampler's code (Mingxiao-Li/TS-DPM).

use super::{PeerError, check, ermongroup_uniform};
use crate::chain::linspace;

/// [`ermongroup_uniform`] plus 1, without its last entry, ascending.
///
/// Li, Qu, Yao, Sun, Moens 2023, arXiv:2305.15583, from their code.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn ts_dpm_uniform(len: usize, steps: usize) -> Result<Vec<usize>, PeerError> {
    Ok(shifted(ermongroup_uniform(len, steps)?))
}

/// A quadratic list plus 1, without its last entry, that spans 0 to `0.8 steps` instead of `0.8 len`.
///
/// A slip of the authors' code, kept as evidence and not for use.
/// Li, Qu, Yao, Sun, Moens 2023, arXiv:2305.15583, from their code.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn ts_dpm_quadratic(len: usize, steps: usize) -> Result<Vec<usize>, PeerError> {
    check(steps, len)?;
    let roots = linspace(0.0, (steps as f64 * 0.8).sqrt(), steps);
    Ok(shifted(roots.map(|root| (root * root) as usize).collect()))
}

fn shifted(mut list: Vec<usize>) -> Vec<usize> {
    list.pop();
    list.into_iter().map(|index| index + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_one_late_and_one_short() {
        assert_eq!(ts_dpm_uniform(1000, 10).unwrap(), [1, 101, 201, 301, 401, 501, 601, 701, 801]);
        assert_eq!(ts_dpm_uniform(1000, 30).unwrap().len(), 30);
        assert_eq!(ts_dpm_quadratic(1000, 10).unwrap(), [1, 1, 1, 1, 2, 3, 4, 5, 7]);
        assert!(ts_dpm_quadratic(1000, 0).is_err());
    }
}
