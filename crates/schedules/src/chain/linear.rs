//! The schedules of the DDPM code: straight lines in beta or in its square root, constants, 1/T.

use super::{Chain, ChainError, linspace};

impl Chain {
    /// `T` betas in a straight line from 1e-4 to 0.02.
    ///
    /// Ho, Jain, Abbeel 2020, arXiv:2006.11239, section 4 (there `T = 1000`). For another `T` the final
    /// alpha_bar changes with it: see [`Chain::linear_scaled`].
    ///
    /// # Errors
    /// [`ChainError`] for `T = 0`.
    pub fn linear(len: usize) -> Result<Self, ChainError> {
        Chain::linear_between(len, 1e-4, 0.02)
    }

    /// `T` betas in a straight line whose ends are `1000 / T` times those of [`Chain::linear`].
    ///
    /// The final alpha_bar hardly depends on `T`. From the code of Nichol, Dhariwal 2021, arXiv:2102.09672.
    ///
    /// # Errors
    /// [`ChainError::BetaOutOfRange`] for `T < 20`, where the last beta would exceed 1; [`ChainError::Empty`].
    pub fn linear_scaled(len: usize) -> Result<Self, ChainError> {
        let scale = 1000.0 / len as f64;
        Chain::linear_between(len, scale * 1e-4, scale * 0.02)
    }

    /// `T` betas in a straight line, both ends included.
    ///
    /// # Errors
    /// [`ChainError`] unless `T > 0` and both ends lie in `(0, 1)` (an `end` of 1 is pure noise).
    pub fn linear_between(len: usize, start: f64, end: f64) -> Result<Self, ChainError> {
        Chain::from_betas(linspace(start, end, len))
    }

    /// `T` betas whose square roots form a straight line, both ends included.
    ///
    /// From the code of Ho, Jain, Abbeel 2020, arXiv:2006.11239 ("quad").
    ///
    /// # Errors
    /// As [`Chain::linear_between`].
    pub fn quadratic(len: usize, start: f64, end: f64) -> Result<Self, ChainError> {
        check_root("start", start)?;
        check_root("end", end)?;
        Chain::from_betas(linspace(start.sqrt(), end.sqrt(), len).map(|root| root * root))
    }

    /// The same schedule as [`Chain::quadratic`], under the name that latent diffusion gave it.
    ///
    /// Rombach et al. 2022, arXiv:2112.10752, whose ends are 0.00085 and 0.012 for `T = 1000`.
    ///
    /// # Errors
    /// As [`Chain::linear_between`].
    pub fn scaled_linear(len: usize, start: f64, end: f64) -> Result<Self, ChainError> {
        Chain::quadratic(len, start, end)
    }

    /// `T` equal betas.
    ///
    /// From the code of Ho, Jain, Abbeel 2020, arXiv:2006.11239 ("const", which uses the end value).
    ///
    /// # Errors
    /// [`ChainError`] unless `T > 0` and `beta` lies in `(0, 1)`.
    pub fn constant(len: usize, beta: f64) -> Result<Self, ChainError> {
        Chain::from_betas(std::iter::repeat_n(beta, len))
    }

    /// Betas `1/T, 1/(T-1), .., 1`: alpha_bar falls in a straight line to 0, so the last level is pure noise.
    ///
    /// Sohl-Dickstein et al. 2015, arXiv:1503.03585, section 2.4.1; "jsd" in the DDPM code.
    ///
    /// # Errors
    /// [`ChainError::Empty`] for `T = 0`.
    pub fn jsd(len: usize) -> Result<Self, ChainError> {
        Chain::from_betas((0..len).map(|index| 1.0 / (len - index) as f64))
    }

    /// Betas in a straight line over the first `fraction` of the chain, then constant at `end`.
    ///
    /// From the code of Ho, Jain, Abbeel 2020, arXiv:2006.11239, whose "warmup10" and "warmup50" are the
    /// fractions 0.1 and 0.5. The warm-up has `floor(T fraction)` steps, so a short chain may have none.
    ///
    /// # Errors
    /// [`ChainError::Parameter`] unless `fraction` is in `[0, 1]`; otherwise as [`Chain::linear_between`].
    pub fn warm_up(len: usize, start: f64, end: f64, fraction: f64) -> Result<Self, ChainError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(ChainError::Parameter { name: "fraction", value: fraction, must: "from 0 to 1" });
        }
        let rising = (len as f64 * fraction) as usize;
        Chain::from_betas(linspace(start, end, rising).chain(std::iter::repeat_n(end, len - rising)))
    }
}

fn check_root(name: &'static str, value: f64) -> Result<(), ChainError> {
    if value > 0.0 { Ok(()) } else { Err(ChainError::Parameter { name, value, must: "a beta in (0, 1)" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64, relative: f64) {
        assert!((value / expected - 1.0).abs() < relative, "{value} is not {expected}");
    }

    /// Digits computed independently in double precision from the paper's formulas.
    #[test]
    fn the_linear_schedule_of_the_paper() {
        let chain = Chain::linear(1000).unwrap();
        for (t, alpha_bar) in [(1, 0.9999), (500, 0.07858724288178), (1000, 4.0358297653757e-5)] {
            near(chain.level(t).unwrap().alpha_bar(), alpha_bar, 1e-12);
        }
        near(chain.betas()[1], 1.19919919919920e-4, 1e-14);
        let second = chain.span(2).unwrap();
        near(second.beta_tilde(), 5.45318766130219e-5, 1e-12);
        near(second.log_beta(), -9.02868637194934, 1e-14);
        near(chain.span(1).unwrap().log_beta_tilde_clipped(), -9.81672513529567, 1e-14);
        for (t, x0, x) in [(2, 0.545291, 0.454709), (501, 3.05806e-3, 0.994104), (1000, 1.28351e-4, 0.989949)] {
            let posterior = chain.span(t).unwrap().posterior();
            near(posterior.x0, x0, 4e-6);
            near(posterior.x, x, 2e-6);
        }
    }

    /// The weight of a squared error on eps in one term of the bound (Ho et al. 2020, eq. 12).
    #[test]
    fn the_weights_of_the_variational_bound() {
        let chain = Chain::linear(1000).unwrap();
        let weight = |t: usize, variance: f64| {
            let span = chain.span(t).unwrap();
            span.beta().powi(2) / (2.0 * variance * (1.0 - span.beta()) * span.from().one_minus_alpha_bar())
        };
        let small = [0.599672, 0.317995, 0.0789765, 0.0101784, 0.00551446, 0.0102045];
        let large = [0.272692, 0.194402, 0.0682240, 0.00999623, 0.00550973, 0.0102045];
        for (i, t) in [2, 3, 11, 101, 501, 1000].into_iter().enumerate() {
            near(weight(t, chain.span(t).unwrap().beta_tilde()), small[i], 5e-6);
            near(weight(t, chain.span(t).unwrap().beta()), large[i], 5e-6);
        }
    }

    /// What the prior term costs, and what fixing the variance to beta costs, in bits per dimension.
    #[test]
    fn the_bits_that_the_schedule_itself_costs() {
        let chain = Chain::linear(1000).unwrap();
        let bits = std::f64::consts::LN_2.recip();
        let alpha_bar = chain.last().alpha_bar();
        for (second_moment, published) in [(0.25, 7.28e-6), (0.3, 8.73e-6), (1.0, 2.91e-5)] {
            let kl = 0.5 * (alpha_bar * second_moment - alpha_bar - (-alpha_bar).ln_1p());
            near(kl * bits, published, 1e-2);
        }
        let mismatch = |span: &crate::Span| {
            let ratio = span.beta_tilde() / span.beta();
            0.5 * (ratio - 1.0 - ratio.ln()) * bits
        };
        let total: f64 = chain.grid().spans().iter().filter(|span| span.to().is_some()).map(mismatch).sum();
        near(total, 0.486, 2e-3);
    }

    #[test]
    fn scaled_quadratic_and_latent_diffusion_end_where_published() {
        let scaled = Chain::linear_scaled(4000).unwrap();
        near(scaled.betas()[0], 2.5e-5, 1e-14);
        near(scaled.betas()[3999], 5e-3, 1e-14);
        near(scaled.last().alpha_bar(), 4.24665e-5, 2e-6);
        near(Chain::quadratic(1000, 1e-4, 0.02).unwrap().last().alpha_bar(), 7.33412e-4, 1e-6);
        near(Chain::scaled_linear(1000, 0.00085, 0.012).unwrap().last().alpha_bar(), 4.66010e-3, 2e-6);
        assert_eq!(Chain::linear_scaled(1000), Chain::linear(1000));
    }

    #[test]
    fn jsd_falls_in_a_straight_line_to_pure_noise() {
        let chain = Chain::jsd(10).unwrap();
        for (index, level) in chain.levels().iter().enumerate() {
            assert!((level.alpha_bar() - (9 - index) as f64 / 10.0).abs() < 1e-15);
        }
        assert!(chain.last().is_pure_noise());
    }

    #[test]
    fn warm_up_rises_and_then_stays() {
        let chain = Chain::warm_up(1000, 1e-4, 0.02, 0.1).unwrap();
        assert_eq!((chain.betas()[0], chain.betas()[99], chain.betas()[100]), (1e-4, 0.02, 0.02));
        assert!(chain.betas()[98] < 0.02);
        assert!(matches!(Chain::warm_up(10, 1e-4, 0.02, 1.1), Err(ChainError::Parameter { .. })));
    }

    #[test]
    fn lengths_and_ends_that_make_no_chain_are_refused() {
        assert_eq!(Chain::linear(0), Err(ChainError::Empty));
        assert_eq!(Chain::linear_scaled(0), Err(ChainError::Empty));
        assert!(matches!(Chain::linear_scaled(19), Err(ChainError::BetaOutOfRange { .. })));
        assert!(matches!(Chain::quadratic(10, -1e-4, 0.02), Err(ChainError::Parameter { name: "start", .. })));
        assert!(matches!(Chain::linear_between(10, 0.0, 0.02), Err(ChainError::BetaOutOfRange { t: 1, .. })));
        assert_eq!(Chain::linear(1).unwrap().betas(), [1e-4]);
    }
}
