//! DDPM's discrete forward process.

mod cosine;
mod interpolate;
mod karras;
mod linear;
mod sigmoid;
mod zero_terminal_snr;

pub(crate) use cosine::capped;
pub use interpolate::Labels;
pub(crate) use sigmoid::logistic;

use thiserror::Error;

use crate::{Grid, GridError, Level, Span};

/// A discrete forward process, DDPM's `t = 1 ..= T`, in variance-preserving coordinates.
///
/// `t = 1` has one step of noise, `t = T` is the noisiest. A level's label is `t - 1` until
/// [`Chain::with_times`] changes it; this is the one place where the paper's index meets the network's.
/// Ho, Jain, Abbeel 2020, arXiv:2006.11239, section 2.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    levels: Vec<Level>,
    betas: Vec<f64>,
}

/// Why a chain cannot exist.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ChainError {
    /// A chain of no steps.
    #[error("a chain needs at least one step; ask for T = 1 or more")]
    Empty,
    /// A beta outside of `(0, 1)`; only the last may be exactly 1.
    #[error(
        "beta at t = {t} of {len} is {beta:?}, but must lie in (0, 1), or be 1 at the last t; change the ends of the schedule or its length"
    )]
    BetaOutOfRange {
        /// The step, from 1.
        t: usize,
        /// Length of the chain.
        len: usize,
        /// The offending value.
        beta: f64,
    },
    /// A beta so small that alpha_bar stays as it was, or a product so small that no signal is left.
    #[error(
        "alpha_bar goes from {before:?} to {after:?} at t = {t} (beta {beta:?}), but must fall strictly and stay positive in f64; use larger betas, or a shorter chain"
    )]
    NotDecreasing {
        /// The step, from 1.
        t: usize,
        /// Its beta.
        beta: f64,
        /// alpha_bar before the step.
        before: f64,
        /// alpha_bar after the step.
        after: f64,
    },
    /// The label that a network would see is infinite or no number.
    #[error("the time label at t = {t} is {time}, but a network needs a finite one; t runs from 1 to T")]
    Time {
        /// The step, from 1.
        t: usize,
        /// The label that was given.
        time: f64,
    },
    /// A parameter of a schedule that makes no sense.
    #[error("{name} is {value:?}, but must be {must}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The value that was given.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
}

impl Chain {
    /// The chain of the given betas, `t = 1` first.
    ///
    /// # Errors
    /// [`ChainError::Empty`] without betas; [`ChainError::BetaOutOfRange`] unless all lie in `(0, 1)`, where
    /// the last may also be 1 (pure noise); [`ChainError::NotDecreasing`] if f64 cannot tell two levels apart.
    pub fn from_betas(betas: impl IntoIterator<Item = f64>) -> Result<Self, ChainError> {
        let betas: Vec<f64> = betas.into_iter().collect();
        let len = betas.len();
        let (mut levels, mut before) = (Vec::with_capacity(len), 1.0);
        for (index, &beta) in betas.iter().enumerate() {
            let (t, last) = (index + 1, index + 1 == len);
            if !(beta > 0.0 && (beta < 1.0 || beta == 1.0 && last)) {
                return Err(ChainError::BetaOutOfRange { t, len, beta });
            }
            let after = before * (1.0 - beta);
            if !(after < before && (after > 0.0 || beta == 1.0)) {
                return Err(ChainError::NotDecreasing { t, beta, before, after });
            }
            levels.push(Level::minted(after, index as f64));
            before = after;
        }
        if levels.is_empty() { Err(ChainError::Empty) } else { Ok(Chain { levels, betas }) }
    }

    /// The same chain under other labels: `time(t)` for `t` in `1..=T`, for instance `1000 (t - 1) / T`.
    ///
    /// They are handed to the network as they are.
    ///
    /// # Errors
    /// [`ChainError::Time`] if a label is not finite.
    pub fn with_times(mut self, time: impl Fn(usize) -> f64) -> Result<Self, ChainError> {
        for (index, level) in self.levels.iter_mut().enumerate() {
            let (t, time) = (index + 1, time(index + 1));
            *level = level.with_time(time).map_err(|_| ChainError::Time { t, time })?;
        }
        Ok(self)
    }

    /// Number of levels, the paper's `T`.
    #[allow(clippy::len_without_is_empty)] // a chain is never empty
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// The level of `t` in `1..=T`; `None` for any other `t`.
    pub fn level(&self, t: usize) -> Option<Level> {
        self.levels.get(t.checked_sub(1)?).copied()
    }

    /// The `t` whose level this is, by label and alpha_bar, whatever its coordinates; `None` if there is none.
    pub fn t_of(&self, level: Level) -> Option<usize> {
        let below = self.levels.partition_point(|own| own.alpha_bar() > level.alpha_bar());
        let own = self.levels.get(below)?;
        let same = own.time() == level.time() && own.alpha_bar() == level.alpha_bar();
        same.then_some(below + 1)
    }

    /// All levels, least noisy first: what training draws from.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// The betas that the chain was built from, `t = 1` first, each in `(0, 1]`.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// The chain's own step from `t` to `t - 1`, with the beta it was built from; `t = 1` ends at the data.
    ///
    /// `None` unless `t` is in `1..=T`.
    pub fn span(&self, t: usize) -> Option<Span> {
        let from = self.level(t)?;
        let to = self.level(t - 1);
        let before = if to.is_none() { self.span(t + 1) } else { None };
        Some(Span::minted(from, to, self.betas[t - 1], before))
    }

    /// The noisiest level, `t = T`.
    pub fn last(&self) -> Level {
        self.levels[self.levels.len() - 1]
    }

    /// All `T` levels as a grid, with the betas that the chain was built from.
    pub fn grid(&self) -> Grid {
        Grid::of_spans((1..=self.len()).rev().filter_map(|t| self.span(t)).collect())
    }

    /// A grid of chosen levels, their `t` strictly decreasing; the levels keep their labels.
    ///
    /// Betas are recomputed from alpha_bar, also between neighbours (Nichol, Dhariwal 2021,
    /// arXiv:2102.09672, eq. 19); for the chain's own betas use [`Chain::grid`].
    ///
    /// # Errors
    /// [`GridError::Empty`], [`GridError::NoSuchLevel`] for a `t` outside `1..=T`, and
    /// [`GridError::NotDecreasing`].
    pub fn grid_at(&self, ts: &[usize]) -> Result<Grid, GridError> {
        let level = |&t: &usize| self.level(t).ok_or(GridError::NoSuchLevel { t, len: self.len() });
        Grid::new(ts.iter().map(level).collect::<Result<Vec<Level>, GridError>>()?)
    }
}

/// `len` evenly spaced values that include both ends; one value is `start` (the sums of numpy's `linspace`).
pub(crate) fn linspace(start: f64, end: f64, len: usize) -> impl DoubleEndedIterator<Item = f64> + ExactSizeIterator {
    let step = (end - start) / len.saturating_sub(1).max(1) as f64;
    (0..len).map(move |i| if i > 0 && i + 1 == len { end } else { start + i as f64 * step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn betas_that_make_no_chain_are_refused() {
        assert_eq!(Chain::from_betas([]), Err(ChainError::Empty));
        assert_eq!(Chain::from_betas([0.1, 0.0]), Err(ChainError::BetaOutOfRange { t: 2, len: 2, beta: 0.0 }));
        assert_eq!(Chain::from_betas([1.0, 0.1]), Err(ChainError::BetaOutOfRange { t: 1, len: 2, beta: 1.0 }));
        for beta in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(Chain::from_betas([beta]), Err(ChainError::BetaOutOfRange { t: 1, len: 1, .. })));
        }
        assert!(matches!(Chain::from_betas([0.1, 1e-18]), Err(ChainError::NotDecreasing { t: 2, .. })));
        assert!(matches!(Chain::from_betas(vec![0.9; 400]), Err(ChainError::NotDecreasing { .. })));
    }

    #[test]
    fn only_the_last_level_may_be_pure_noise() {
        let chain = Chain::from_betas([0.1, 0.2, 1.0]).unwrap();
        assert!(chain.last().is_pure_noise());
        let span = chain.span(3).unwrap();
        assert_eq!((span.beta(), span.log_beta(), span.posterior().x), (1.0, 0.0, 0.0));
        assert_eq!(span.posterior().x0, chain.level(2).unwrap().signal());
    }

    #[test]
    fn t_runs_from_one_to_the_length() {
        let chain = Chain::from_betas([0.1, 0.2, 0.3]).unwrap();
        assert_eq!((chain.level(0), chain.level(4), chain.span(0), chain.span(4)), (None, None, None, None));
        assert_eq!(chain.level(1).unwrap().alpha_bar(), 0.9);
        assert_eq!((chain.level(1).unwrap().time(), chain.last().time()), (0.0, 2.0));
        assert_eq!(chain.span(1).unwrap().to(), None);
        assert_eq!(chain.span(3).unwrap().to(), chain.level(2));
    }

    #[test]
    fn a_level_is_found_by_its_noise_and_its_label_in_any_coordinates() {
        let chain = Chain::from_betas([0.1, 0.2, 0.3, 1.0]).unwrap();
        for t in 1..=4 {
            assert_eq!(chain.t_of(chain.level(t).unwrap()), Some(t));
        }
        let second = chain.level(2).unwrap();
        assert_eq!(chain.t_of(second.unscaled().unwrap()), Some(2));
        for other in [second.with_time(0.0).unwrap(), Level::vp(0.721, 1.0).unwrap(), Level::vp(1e-9, 3.0).unwrap()] {
            assert_eq!(chain.t_of(other), None);
        }
    }

    #[test]
    fn own_spans_return_the_minted_beta_and_know_the_step_before() {
        let chain = Chain::from_betas([1e-4, 3e-4, 0.1 + 0.2]).unwrap();
        let grid = chain.grid();
        for (span, t) in grid.spans().iter().zip([3, 2, 1]) {
            assert_eq!(span.beta(), chain.betas()[t - 1]);
            assert_eq!(Some(*span), chain.span(t));
        }
        assert_eq!(grid.spans()[2].log_beta_tilde_clipped(), grid.spans()[1].beta_tilde().ln());
        assert_eq!(Chain::from_betas([0.5]).unwrap().grid().spans()[0].log_beta_tilde_clipped(), 0.5f64.ln());
    }

    #[test]
    fn labels_that_no_network_can_read_are_refused() {
        let chain = Chain::from_betas([0.1; 4]).unwrap();
        for bad in [f64::INFINITY, f64::NEG_INFINITY] {
            let refused = chain.clone().with_times(|t| if t == 3 { bad } else { 0.0 });
            assert_eq!(refused, Err(ChainError::Time { t: 3, time: bad }));
        }
        assert!(matches!(chain.with_times(|_| f64::NAN), Err(ChainError::Time { t: 1, .. })));
    }

    #[test]
    fn labels_can_be_rescaled_and_are_kept_by_grids() {
        let chain = Chain::from_betas([0.1; 4]).unwrap().with_times(|t| 250.0 * (t - 1) as f64).unwrap();
        let grid = chain.grid_at(&[4, 2]).unwrap();
        assert_eq!(grid.levels().map(Level::time).collect::<Vec<_>>(), [750.0, 250.0]);
        assert_eq!(chain.grid_at(&[5]), Err(GridError::NoSuchLevel { t: 5, len: 4 }));
        assert_eq!(chain.grid_at(&[0]), Err(GridError::NoSuchLevel { t: 0, len: 4 }));
        assert_eq!(chain.grid_at(&[1, 2]), Err(GridError::NotDecreasing { step: 2 }));
        assert_eq!(chain.grid_at(&[]), Err(GridError::Empty));
    }
}
