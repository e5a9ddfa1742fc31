//! Beta tables of lucidrains/denoising-diffusion-pytorch, where they differ from the papers' in digits.

use crate::chain::{linspace, logistic};

/// The cosine schedule with offset 0.008 and cap 0.999, normalised by its first value before the ratios are taken.
///
/// The same mathematics as [`Chain::cosine`](crate::Chain::cosine); the first betas differ in the twelfth digit.
pub fn lucidrains_cosine_betas(len: usize) -> Vec<f64> {
    let f = |u: f64| ((u / len as f64 + 0.008) / 1.008 * std::f64::consts::PI * 0.5).cos().powi(2);
    capped_ratios(linspace(0.0, len as f64, len + 1).map(f).collect())
}

/// The alpha_bar sigmoid with cap 0.999, its ends rounded to f32 as in the peer.
///
/// The same mathematics as [`Chain::sigmoid_alpha_bar`](crate::Chain::sigmoid_alpha_bar); the rounding moves
/// betas by up to 1e-5 of their value.
pub fn lucidrains_sigmoid_betas(len: usize, start: f64, end: f64, tau: f64) -> Vec<f64> {
    let single = |u: f64| f64::from(logistic(u) as f32);
    let (low, high) = (single(start / tau), single(end / tau));
    let f = |i: f64| (high - logistic((i / len as f64 * (end - start) + start) / tau)) / (high - low);
    capped_ratios(linspace(0.0, len as f64, len + 1).map(f).collect())
}

fn capped_ratios(values: Vec<f64>) -> Vec<f64> {
    let alpha_bars: Vec<f64> = values.iter().map(|value| value / values[0]).collect();
    alpha_bars.windows(2).map(|pair| (1.0 - pair[1] / pair[0]).clamp(0.0, 0.999)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chain;

    #[test]
    fn digits_differ_where_said_and_no_earlier() {
        let largest = |betas: Vec<f64>, chain: Chain| {
            betas.iter().zip(chain.betas()).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max)
        };
        let cosine = largest(lucidrains_cosine_betas(1000), Chain::cosine(1000).unwrap());
        assert!(cosine > 1e-13 && cosine < 1e-11);
        let chain = Chain::sigmoid_alpha_bar(1000, -3.0, 3.0, 1.0, 0.999).unwrap();
        let sigmoid = largest(lucidrains_sigmoid_betas(1000, -3.0, 3.0, 1.0), chain);
        assert!(sigmoid > 1e-6 && sigmoid < 2e-5);
    }
}
