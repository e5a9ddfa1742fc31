//! A chain in the single precision of huggingface/diffusers.

use crate::{Chain, ChainError};

/// The chain with the alpha_bars that diffusers holds: betas in f32, multiplied up in f64, stored in f32.
///
/// Near the data this moves sigma by up to 1e-4 of its value, and the peer's sigma grids carry it. Labels are
/// kept. Betas are the ratios of these alpha_bars, hence good to three digits near the data.
///
/// # Errors
/// [`ChainError::BetaOutOfRange`] where f32 cannot tell two neighbouring levels apart.
pub fn diffusers_chain(chain: &Chain) -> Result<Chain, ChainError> {
    let kept = chain.betas().iter().map(|&beta| f64::from(1.0 - beta as f32));
    let products = kept.scan(1.0, |product, kept| {
        *product *= kept;
        Some(f64::from(*product as f32))
    });
    let betas = products.scan(1.0, |before, after| Some(1.0 - after / std::mem::replace(before, after)));
    let single = Chain::from_betas(betas)?;
    single.with_times(|t| chain.levels()[t - 1].time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_sigma_is_the_one_that_diffusers_prints() {
        let chain = Chain::linear(1000).unwrap().with_times(|t| t as f64).unwrap();
        let single = diffusers_chain(&chain).unwrap();
        assert!((single.levels()[0].sigma() - 0.010001329705119133).abs() < 1e-9);
        assert!((chain.levels()[0].sigma() - 0.010000500037503125).abs() < 1e-15);
        assert_eq!(single.last().time(), 1000.0);
        assert!(diffusers_chain(&Chain::constant(3, 1e-9).unwrap()).is_err());
    }
}
