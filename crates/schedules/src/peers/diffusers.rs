//! Timestep lists of huggingface/diffusers, noisiest first.

use super::{PeerError, check};
use crate::chain::{capped, linspace};

/// "leading": multiples of `floor(len / steps)` plus an offset.
///
/// With an offset of 1 and `steps = len` the first entry is `len`, which no table of `len` entries has.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_leading(len: usize, steps: usize, offset: usize) -> Result<Vec<usize>, PeerError> {
    check(steps, len)?;
    let stride = len / steps;
    Ok((0..steps).rev().map(|i| i * stride + offset).collect())
}

/// "linspace": `steps` even values from 0 to `len - 1`, halves rounded to even; one step is index 0.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_linspace(len: usize, steps: usize) -> Result<Vec<usize>, PeerError> {
    Ok(diffusers_euler_linspace(len, steps)?.into_iter().map(|index| index.round_ties_even() as usize).collect())
}

/// "linspace" of the Euler and Heun schedulers: the same values, not rounded (the peer stores them in f32).
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_euler_linspace(len: usize, steps: usize) -> Result<Vec<f64>, PeerError> {
    check(steps, len)?;
    Ok(linspace(0.0, (len - 1) as f64, steps).rev().collect())
}

/// "trailing": `len` down to 0 in steps of `len / steps`, rounded, minus 1.
///
/// The stride is added up in floating point, so that for some numbers the list has one entry too many.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_trailing(len: usize, steps: usize) -> Result<Vec<i64>, PeerError> {
    diffusers_trailing_from(len, len, steps)
}

/// The same from a lower start, as where `lambda_min_clipped` leaves out the noisiest levels; the stride stays that of
/// the whole chain, so that there may be fewer entries than `steps`.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_trailing_from(start: usize, len: usize, steps: usize) -> Result<Vec<i64>, PeerError> {
    check(steps, len)?;
    let (start, stride) = (start as f64, len as f64 / steps as f64);
    let count = (start / stride).ceil() as usize; // numpy's length of a range
    let delta = (start - stride) - start; // and numpy's own step
    Ok((0..count).map(|i| (start + i as f64 * delta).round_ties_even() as i64 - 1).collect())
}

/// "leading" of the multistep DPM-Solver scheduler: one step more is laid out, and the last is dropped.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_multistep_leading(len: usize, steps: usize, offset: usize) -> Result<Vec<usize>, PeerError> {
    check(steps, len)?;
    let stride = len / (steps + 1);
    Ok((1..=steps).rev().map(|i| i * stride + offset).collect())
}

/// "linspace" of the multistep DPM-Solver scheduler: one step more is laid out, and the last is dropped.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_multistep_linspace(len: usize, steps: usize) -> Result<Vec<usize>, PeerError> {
    check(steps, len)?;
    let values = linspace(0.0, (len - 1) as f64, steps + 1).rev().take(steps);
    Ok(values.map(|index| index.round_ties_even() as usize).collect())
}

/// Where the DDIM scheduler lands from `timestep`: `timestep - floor(len / steps)`; negative is the data.
///
/// With the lists of "linspace", and with any list when `steps` does not divide `len`, this is not the next
/// timestep of the list: the state is then at another noise level than the next model call assumes.
///
/// # Errors
/// [`PeerError::Steps`] unless `steps` is in `1..=len`.
pub fn diffusers_ddim_previous(timestep: usize, len: usize, steps: usize) -> Result<i64, PeerError> {
    check(steps, len)?;
    Ok(timestep as i64 - (len / steps) as i64)
}

/// Where the DDPM scheduler lands from each entry of a list: the next entry, and -1 (the data) at the end.
pub fn diffusers_ddpm_previous(timesteps: &[i64]) -> Vec<i64> {
    let last = (!timesteps.is_empty()).then_some(-1);
    timesteps.iter().skip(1).copied().chain(last).collect()
}

/// The list of the Heun scheduler, which names every entry but the first twice.
pub fn diffusers_heun_doubled(values: &[f64]) -> Vec<f64> {
    values.iter().enumerate().flat_map(|(i, &value)| std::iter::repeat_n(value, if i == 0 { 1 } else { 2 })).collect()
}

/// The betas of "laplace", capped at 0.999, `t = 1` first.
///
/// The schedule of Hang, Gu, Geng, Guo 2024, arXiv:2407.03297, with `mu = 0` and `b = 0.5`, but the peer takes
/// the square root of alpha_bar for alpha_bar itself, which is why it is here and not in [`Chain`](crate::Chain).
pub fn diffusers_laplace_betas(len: usize) -> Vec<f64> {
    let alpha_bar = |index: usize| {
        let offset = 0.5 - index as f64 / len as f64;
        let log_snr = -0.5 * 1f64.copysign(offset) * (1.0 - 2.0 * offset.abs() + 1e-6).ln();
        let snr = log_snr.exp();
        (snr / (1.0 + snr)).sqrt()
    };
    (0..len).map(|index| capped(1.0 - alpha_bar(index + 1) / alpha_bar(index), 0.999)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_ten_and_of_one() {
        assert_eq!(diffusers_leading(1000, 10, 0).unwrap()[..2], [900, 800]);
        assert_eq!(diffusers_linspace(1000, 10).unwrap()[..2], [999, 888]);
        assert_eq!(diffusers_trailing(1000, 10).unwrap()[8..], [199, 99]);
        assert_eq!(diffusers_linspace(1000, 1).unwrap(), [0]);
        assert_eq!(diffusers_multistep_leading(1000, 10, 0).unwrap()[..2], [900, 810]);
        assert_eq!(diffusers_multistep_linspace(1000, 10).unwrap()[9], 100);
        assert!(diffusers_leading(10, 0, 0).is_err() && diffusers_trailing(10, 11).is_err());
    }

    #[test]
    fn neighbours_and_doubles() {
        assert_eq!(diffusers_ddim_previous(999, 1000, 10), Ok(899));
        assert_eq!(diffusers_ddim_previous(0, 1000, 10), Ok(-100));
        assert_eq!(diffusers_ddpm_previous(&[999, 888, 0]), [888, 0, -1]);
        assert!(diffusers_ddpm_previous(&[]).is_empty());
        assert_eq!(diffusers_heun_doubled(&[3.0, 2.0, 1.0]), [3.0, 2.0, 2.0, 1.0, 1.0]);
    }

    #[test]
    fn laplace_ends_at_the_root_of_its_alpha_bar() {
        let chain = crate::Chain::from_betas(diffusers_laplace_betas(1000)).unwrap();
        assert!((chain.last().alpha_bar() - 0.0316228).abs() < 1e-5);
    }
}
