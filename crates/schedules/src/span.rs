//! One step between two levels.

use crate::Level;

/// One step: from a level down to a lower one, or to the data (`to()` is `None`).
///
/// `beta` and its relatives belong to the step, not to a level, and are right for a jump of any length
/// (Nichol, Dhariwal 2021, arXiv:2102.09672, eq. 19). They are in VP units whatever the coordinates.
/// Spans are minted by [`Chain`](crate::Chain) and [`Grid`](crate::Grid) only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    from: Level,
    to: Option<Level>,
    beta: f64,
    log_beta_tilde_clipped: f64,
    chain_step: bool,
}

/// The mean of `q(x_s | x_t, x0)` as weights: `mean = x0 * x0_weight + x * x_weight`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posterior {
    /// Weight of the clean sample, DDPM's first posterior coefficient.
    pub x0: f64,
    /// Weight of the noisy sample at the start of the span, DDPM's second posterior coefficient.
    pub x: f64,
}

/// An ancestral step in EDM coordinates: go down to `down` without noise, then add noise of `up`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ancestry {
    /// The sigma that the deterministic part of the step ends at.
    pub down: f64,
    /// Standard deviation of the noise added afterwards; `down^2 + up^2` is the sigma squared of `to`.
    pub up: f64,
}

impl Span {
    /// Where the step starts.
    pub fn from(self) -> Level {
        self.from
    }

    /// Where the step ends; `None` is the data.
    pub fn to(self) -> Option<Level> {
        self.to
    }

    /// `1 - alpha_bar_t / alpha_bar_s` in `(0, 1]`: DDPM's `beta_t` for this jump, however long it is.
    ///
    /// A chain's own spans return the beta that the chain was built from.
    pub fn beta(self) -> f64 {
        self.beta
    }

    /// Variance of the posterior `q(x_s | x_t, x0)`, in `[0, beta]`; 0 on a step to the data.
    ///
    /// Ho, Jain, Abbeel 2020, arXiv:2006.11239, eq. 7.
    pub fn beta_tilde(self) -> f64 {
        self.beta * self.to_one_minus_alpha_bar() / self.from.one_minus_alpha_bar()
    }

    /// Whether this is a single step of the chain that minted it, from `t` to `t - 1`, not a jump over levels.
    ///
    /// What a network has learned about its chain's own steps (a log-variance) is right here alone. Steps between
    /// levels that were put together by hand are no steps of a chain.
    pub fn is_chain_step(self) -> bool {
        self.chain_step
    }

    /// Natural logarithm of [`Span::beta`].
    pub fn log_beta(self) -> f64 {
        self.beta.ln()
    }

    /// Natural logarithm of [`Span::beta_tilde`], with a finite stand-in on a step to the data.
    ///
    /// There it is the value of the span before, as in the authors' code; a grid of one step has none
    /// before it and uses `ln beta` (the code of Nichol and Dhariwal fails on such a grid).
    pub fn log_beta_tilde_clipped(self) -> f64 {
        self.log_beta_tilde_clipped
    }

    /// Weights of the posterior mean, in the coordinates of the span's own levels.
    ///
    /// In VP coordinates these are the coefficients of Ho, Jain, Abbeel 2020, arXiv:2006.11239, eq. 7.
    pub fn posterior(self) -> Posterior {
        let remaining = self.from.one_minus_alpha_bar();
        let x0 = self.beta * self.to_alpha_bar().sqrt() / remaining;
        let x = self.to_one_minus_alpha_bar() * (1.0 - self.beta).sqrt() / remaining;
        Posterior { x0: x0 * self.to_scale(), x: x * self.to_scale() / self.from.scale() }
    }

    /// How far an ancestral step of stochasticity `eta` goes down, and how much noise it adds.
    ///
    /// Both in units of sigma (EDM coordinates); `eta` 0 adds nothing, 1 is DDPM's posterior variance.
    /// The form of Crowson's k-diffusion (2022); equal to eq. 16 of Song, Meng, Ermon 2020, arXiv:2010.02502.
    /// As there, `up` is at most the sigma of `to`: an `eta` that asks for more adds no more.
    /// `eta` must be finite and not negative; for any other both numbers are NaN, so that no sample comes of it.
    pub fn ancestry(self, eta: f64) -> Ancestry {
        let (from, to) = (self.from.sigma(), self.to_sigma());
        let kept = if from.is_finite() { (from * from - to * to) / (from * from) } else { 1.0 };
        let eta = if eta >= 0.0 && eta.is_finite() { eta } else { f64::NAN };
        let asked = eta * (to * to * kept).sqrt();
        let up = if asked > to { to } else { asked };
        Ancestry { down: (to * to - up * up).sqrt(), up }
    }

    /// `alpha_bar` where the step ends, 1 at the data.
    pub fn to_alpha_bar(self) -> f64 {
        self.to.map_or(1.0, Level::alpha_bar)
    }

    /// `1 - alpha_bar` where the step ends, 0 at the data.
    pub fn to_one_minus_alpha_bar(self) -> f64 {
        self.to.map_or(0.0, Level::one_minus_alpha_bar)
    }

    /// Coefficient of `x0` where the step ends, 1 at the data.
    pub fn to_signal(self) -> f64 {
        self.to.map_or(1.0, Level::signal)
    }

    /// Coefficient of `eps` where the step ends, 0 at the data.
    pub fn to_noise(self) -> f64 {
        self.to.map_or(0.0, Level::noise)
    }

    /// Noise-to-signal ratio where the step ends, 0 at the data.
    pub fn to_sigma(self) -> f64 {
        self.to.map_or(0.0, Level::sigma)
    }

    /// [`Level::scale`] where the step ends, 1 at the data.
    pub fn to_scale(self) -> f64 {
        self.to.map_or(1.0, Level::scale)
    }

    /// A span of known beta; `before` is the noisier neighbour, which a step to the data learns from.
    pub(crate) fn minted(from: Level, to: Option<Level>, beta: f64, before: Option<Span>) -> Span {
        let mut span = Span { from, to, beta, log_beta_tilde_clipped: 0.0, chain_step: false };
        span.log_beta_tilde_clipped = match (to, before) {
            (Some(_), _) => span.beta_tilde().ln(),
            (None, Some(before)) => before.beta_tilde().ln(),
            (None, None) => beta.ln(),
        };
        span
    }

    /// A span between any two levels, its beta computed from them.
    pub(crate) fn jump(from: Level, to: Option<Level>, before: Option<Span>) -> Span {
        Span::minted(from, to, beta_of(from, to), before)
    }

    /// The same span as a single step of a chain, or as none.
    pub(crate) fn as_chain_step(self, chain_step: bool) -> Span {
        Span { chain_step, ..self }
    }

    /// The same step with both ends rewritten (relabelled or rescaled); beta stays as minted.
    pub(crate) fn map_levels(self, f: impl Fn(Level) -> Level) -> Span {
        Span { from: f(self.from), to: self.to.map(f), ..self }
    }
}

/// `1 - alpha_bar_t / alpha_bar_s`.
///
/// Levels minted from alpha_bar use it as published; where a level was minted from sigma the ratio of
/// alpha_bars would cancel, so there the same number is computed from the sigmas.
fn beta_of(from: Level, to: Option<Level>) -> f64 {
    let of_alpha_bar = |level: Level| level.one_minus_alpha_bar() == 1.0 - level.alpha_bar();
    if of_alpha_bar(from) && to.is_none_or(of_alpha_bar) {
        return 1.0 - from.alpha_bar() / to.map_or(1.0, Level::alpha_bar);
    }
    if from.is_pure_noise() {
        return 1.0;
    }
    let (high, low) = (from.sigma(), to.map_or(0.0, Level::sigma));
    (high - low) * (high + low) * from.alpha_bar()
}

#[cfg(test)]
mod tests {
    use crate::{Grid, Span};

    fn spans() -> Vec<Span> {
        Grid::of_sigmas([2.0, 1.0]).unwrap().spans().to_vec()
    }

    #[test]
    fn an_eta_out_of_range_gives_no_number() {
        for span in spans() {
            for eta in [f64::NAN, -1e-9, -1.0, f64::INFINITY] {
                let ancestry = span.ancestry(eta);
                assert!(ancestry.up.is_nan() && ancestry.down.is_nan(), "{ancestry:?} of eta {eta}");
            }
        }
    }

    #[test]
    fn an_eta_that_asks_for_more_than_there_is_gets_what_there_is() {
        let [inner, last] = spans()[..] else { panic!("two spans") };
        assert!((inner.ancestry(1.0).up - 0.75f64.sqrt()).abs() < 1e-15);
        assert_eq!((inner.ancestry(9.0).up, inner.ancestry(9.0).down), (1.0, 0.0));
        assert_eq!((inner.ancestry(0.0).up, inner.ancestry(0.0).down), (0.0, 1.0));
        assert_eq!((last.ancestry(9.0).up, last.ancestry(9.0).down), (0.0, 0.0));
    }
}
