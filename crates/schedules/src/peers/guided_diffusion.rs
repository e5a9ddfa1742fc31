//! The `ddimN` lists of the ADM authors' code (openai/guided-diffusion).

use super::{PeerError, check};

/// Indices `0, s, 2s, ..` below `len` with the smallest integer stride `s` that gives exactly `steps`.
///
/// Only 62 of the 1000 possible numbers exist for `len = 1000`. Where none does this is an error, as in the
/// authors' code (whose message names the wrong number). Dhariwal, Nichol 2021, arXiv:2105.05233, from their code.
///
/// # Errors
/// [`PeerError::NoStride`] if no stride below `len` gives that many, [`PeerError::Steps`] outside `1..=len`.
pub fn ddim_stride(len: usize, steps: usize) -> Result<Vec<usize>, PeerError> {
    check(steps, len)?;
    let stride = (1..len).find(|&stride| len.div_ceil(stride) == steps);
    let stride = stride.ok_or(PeerError::NoStride { steps, len })?;
    Ok((0..len).step_by(stride).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_that_exist() {
        assert_eq!(ddim_stride(1000, 25).unwrap()[..3], [0, 40, 80]);
        assert_eq!(ddim_stride(1000, 50).unwrap()[49], 980);
        assert!(ddim_stride(1000, 30).is_ok() && ddim_stride(1000, 35).is_ok());
    }

    #[test]
    fn strides_that_do_not() {
        assert_eq!(ddim_stride(1000, 60), Err(PeerError::NoStride { steps: 60, len: 1000 }));
        assert_eq!(ddim_stride(1000, 333), Err(PeerError::NoStride { steps: 333, len: 1000 }));
        assert!(ddim_stride(1000, 0).is_err() && ddim_stride(1000, 1001).is_err() && ddim_stride(1, 1).is_err());
        assert_eq!((1..=1000).filter(|&steps| ddim_stride(1000, steps).is_ok()).count(), 62);
    }
}
