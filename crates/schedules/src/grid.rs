//! The levels that a sampler visits.

mod flow;
mod karras;
mod sigmas;

pub(crate) use karras::karras_sigmas;
pub(crate) use sigmas::{check_range, improved_ddpm_sigmas};

use thiserror::Error;

use crate::{Level, LevelError, Span};

/// The levels that a sampler visits, noisiest first.
///
/// The step after the last level reaches the data, or the level that the grid ends at.
/// `n` levels are `n` steps: there is no trailing zero and no index `i + 1`, and each span starts where
/// the one before it ended.
///
/// ```
/// use undrift_schedules::{Grid, Level};
///
/// let grid = Grid::new([Level::edm(2.0, 2.0)?, Level::edm(0.5, 0.5)?])?;
/// assert_eq!(grid.steps(), 2);
/// assert_eq!(grid.spans()[0].to(), Some(grid.spans()[1].from()));
/// assert_eq!(grid.end(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    spans: Vec<Span>,
}

/// Why a grid cannot exist.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum GridError {
    /// No levels were given, or zero steps were asked for.
    #[error("a grid needs at least one step; ask for 1 or more")]
    Empty,
    /// A level is not strictly less noisy than the one before it, as far as f64 can tell.
    #[error(
        "the level of step {step} (counted from 1) is not less noisy than the one before it; order the levels noisiest first, without repeats"
    )]
    NotDecreasing {
        /// The step, counted from 1, at which the offending level stands (one past the last for the end).
        step: usize,
    },
    /// More steps were asked for than the chain has levels.
    #[error("{steps} steps were asked of a chain of {len} levels; ask for 1 to {len}")]
    TooManySteps {
        /// Steps asked for.
        steps: usize,
        /// Levels of the chain.
        len: usize,
    },
    /// A `t` outside of the chain.
    #[error("t = {t} is not in the chain, whose t runs from 1 to {len}")]
    NoSuchLevel {
        /// The offending `t`.
        t: usize,
        /// Levels of the chain.
        len: usize,
    },
    /// A level that no step of the grid starts at.
    #[error(
        "no step starts at the level of time {time} (alpha_bar {alpha_bar:?}); choose one of the levels of the grid"
    )]
    NotVisited {
        /// Label of the level.
        time: f64,
        /// Its share of signal.
        alpha_bar: f64,
    },
    /// A section of a section-wise respacing is shorter than the steps asked of it.
    #[error(
        "section {section} of {sections} has {size} levels, which cannot give {steps} steps; ask it for {size} or fewer"
    )]
    SectionTooShort {
        /// Which section, counted from 1 at the data.
        section: usize,
        /// How many sections there are.
        sections: usize,
        /// Levels in this section.
        size: usize,
        /// Steps asked of this section.
        steps: usize,
    },
    /// A sigma grid over a chain whose last level is pure noise.
    #[error(
        "the chain ends in pure noise, whose sigma is infinite; a sigma grid needs a chain with a finite last sigma"
    )]
    PureNoise,
    /// The range of a sigma grid is empty or upside down.
    #[error("sigma runs from {sigma_max:?} down to {sigma_min:?}; give 0 < sigma_min < sigma_max, both finite")]
    Range {
        /// Lower end as given.
        sigma_min: f64,
        /// Upper end as given.
        sigma_max: f64,
    },
    /// A sigma that no level of the chain lies next to, so that it has no label.
    #[error(
        "sigma {sigma:?} has no label in the chain, whose sigmas run from {sigma_min:?} to {sigma_max:?}; use a rho near 7, or fewer steps"
    )]
    Unlabelled {
        /// The offending sigma.
        sigma: f64,
        /// Sigma of the chain's first level.
        sigma_min: f64,
        /// Sigma of the chain's last level.
        sigma_max: f64,
    },
    /// A parameter of a sigma grid that must be positive and finite is not.
    #[error("{name} is {value:?}, but must be positive and finite")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The value that was given.
        value: f64,
    },
    /// A level of the grid cannot exist.
    #[error(transparent)]
    Level(#[from] LevelError),
}

impl Grid {
    /// A grid over the given levels, noisiest first, that ends at the data.
    ///
    /// # Errors
    /// [`GridError::Empty`] without levels, [`GridError::NotDecreasing`] unless each level is strictly
    /// less noisy than the one before it.
    pub fn new(levels: impl IntoIterator<Item = Level>) -> Result<Self, GridError> {
        Grid::checked(levels.into_iter().collect(), None)
    }

    /// A grid over the given levels whose last step ends at the level `end` instead of the data.
    ///
    /// # Errors
    /// As [`Grid::new`]; `end` must be strictly less noisy than the last level.
    pub fn ending_at(levels: impl IntoIterator<Item = Level>, end: Level) -> Result<Self, GridError> {
        Grid::checked(levels.into_iter().collect(), Some(end))
    }

    /// The same grid with a level of pure noise before its first one, so that sampling begins where nothing is
    /// left of the data; `time` is the label of the new level.
    ///
    /// Pure noise has no EDM coordinates: there `x` is drawn from N(0, 1) also when the other levels have them.
    /// Zhang et al. 2024, arXiv:2403.08381.
    ///
    /// # Errors
    /// [`GridError::NotDecreasing`] if the grid starts at pure noise already, [`GridError::Level`] if the label is
    /// not finite.
    pub fn from_pure_noise(&self, time: f64) -> Result<Self, GridError> {
        let pure = Level::vp(0.0, time)?;
        if self.start().is_pure_noise() {
            return Err(GridError::NotDecreasing { step: 2 });
        }
        let first = Span::jump(pure, Some(self.start()), None);
        Ok(Grid { spans: [&[first], &self.spans[..]].concat() })
    }

    /// Number of steps, which is the number of levels that a model is asked about.
    pub fn steps(&self) -> usize {
        self.spans.len()
    }

    /// The noisiest level, at which sampling begins.
    pub fn start(&self) -> Level {
        self.spans[0].from()
    }

    /// The level that the last step ends at; `None` is the data.
    pub fn end(&self) -> Option<Level> {
        self.spans[self.spans.len() - 1].to()
    }

    /// The visited levels, noisiest first; the end is not among them.
    pub fn levels(&self) -> impl ExactSizeIterator<Item = Level> + DoubleEndedIterator + '_ {
        self.spans.iter().map(|span| span.from())
    }

    /// The steps in the order in which a sampler takes them.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The same grid in EDM coordinates; betas, labels and alpha_bars are kept digit for digit.
    ///
    /// # Errors
    /// [`GridError::PureNoise`] if the grid starts at pure noise, which has no EDM coordinates.
    pub fn unscaled(&self) -> Result<Grid, GridError> {
        if self.start().is_pure_noise() {
            return Err(GridError::PureNoise);
        }
        Ok(self.map_levels(|level| level.unscaled().unwrap_or(level)))
    }

    /// The same grid under other labels, for a network that was trained with other times.
    ///
    /// # Errors
    /// [`LevelError::Time`] if a label is not finite.
    pub fn with_times(&self, time: impl Fn(Level) -> f64) -> Result<Grid, GridError> {
        for level in self.levels().chain(self.end()) {
            level.with_time(time(level))?;
        }
        Ok(self.map_levels(|level| level.relabelled(time(level))))
    }

    /// The rest of this grid from a level on, for chains that start from less noise.
    ///
    /// The level is found by its noise, whatever its label and coordinates. The spans are those of this grid as they
    /// are, so that a rest of one step still clips its log-variance with the step before it.
    ///
    /// # Errors
    /// [`GridError::NotVisited`] unless a step starts at a level of exactly this noise.
    pub fn starting_at(&self, level: Level) -> Result<Grid, GridError> {
        let shares = |level: Level| (level.alpha_bar(), level.one_minus_alpha_bar());
        let first = self.levels().position(|visited| shares(visited) == shares(level));
        let none = GridError::NotVisited { time: level.time(), alpha_bar: level.alpha_bar() };
        first.map(|first| Grid::of_spans(self.spans[first..].to_vec())).ok_or(none)
    }

    /// A grid of spans that a chain has already minted and ordered.
    pub(crate) fn of_spans(spans: Vec<Span>) -> Grid {
        Grid { spans }
    }

    fn map_levels(&self, f: impl Fn(Level) -> Level) -> Grid {
        Grid { spans: self.spans.iter().map(|span| span.map_levels(&f)).collect() }
    }

    fn checked(levels: Vec<Level>, end: Option<Level>) -> Result<Self, GridError> {
        let mut spans: Vec<Span> = Vec::with_capacity(levels.len());
        for (index, &from) in levels.iter().enumerate() {
            let to = levels.get(index + 1).copied().or(end);
            let span = Span::jump(from, to, spans.last().copied());
            if to.is_some_and(|to| !from.is_noisier_than(to)) || span.beta().is_nan() || span.beta() <= 0.0 {
                return Err(GridError::NotDecreasing { step: index + 2 });
            }
            spans.push(span);
        }
        if spans.is_empty() { Err(GridError::Empty) } else { Ok(Grid { spans }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edm(sigma: f64) -> Level {
        Level::edm(sigma, sigma).unwrap()
    }

    #[test]
    fn disorder_repeats_and_emptiness_are_refused() {
        assert_eq!(Grid::new([]), Err(GridError::Empty));
        assert_eq!(Grid::new([edm(1.0), edm(2.0)]), Err(GridError::NotDecreasing { step: 2 }));
        assert_eq!(Grid::new([edm(2.0), edm(1.0), edm(1.0)]), Err(GridError::NotDecreasing { step: 3 }));
        assert_eq!(Grid::ending_at([edm(2.0)], edm(2.0)), Err(GridError::NotDecreasing { step: 2 }));
        let noise = Level::vp(0.0, 1.0).unwrap();
        assert_eq!(Grid::new([noise, noise]), Err(GridError::NotDecreasing { step: 2 }));
    }

    /// Of the same noise, minted from alpha_bar and from sigma, one may seem noisier by a rounding.
    #[test]
    fn equal_noise_of_two_origins_makes_no_step() {
        let mut seem_noisier = 0;
        for sigma in (1..2000).map(|i| f64::from(i) * 0.01) {
            let of_sigma = Level::vp_of_sigma(sigma, 0.0).unwrap();
            let of_alpha_bar = Level::vp(of_sigma.alpha_bar(), 0.0).unwrap();
            for (high, low) in [(of_sigma, of_alpha_bar), (of_alpha_bar, of_sigma)] {
                match Grid::new([high, low]) {
                    Ok(grid) => assert!(grid.spans()[0].beta() > 0.0, "sigma {sigma}"),
                    Err(error) => {
                        assert_eq!(error, GridError::NotDecreasing { step: 2 });
                        seem_noisier += usize::from(high.is_noisier_than(low));
                    }
                }
            }
        }
        assert!(seem_noisier > 0, "no pair tells the two checks apart");
    }

    #[test]
    fn pure_noise_comes_first_and_the_other_steps_stay() {
        let vp = Grid::new([0.1, 0.5].map(|alpha_bar| Level::vp(alpha_bar, 1.0).unwrap())).unwrap();
        for grid in [vp.clone(), vp.unscaled().unwrap(), Grid::ending_at([edm(3.0)], edm(0.5)).unwrap()] {
            let longer = grid.from_pure_noise(7.0).unwrap();
            assert!(longer.start().is_pure_noise() && longer.start().time() == 7.0);
            let first = longer.spans()[0];
            assert_eq!((first.to(), first.beta(), &longer.spans()[1..]), (Some(grid.start()), 1.0, grid.spans()));
            assert_eq!((first.posterior().x0, first.posterior().x), (grid.start().signal(), 0.0));
            assert_eq!(longer.from_pure_noise(7.0), Err(GridError::NotDecreasing { step: 2 }));
        }
        let single = Grid::new([edm(3.0)]).unwrap().from_pure_noise(0.0).unwrap();
        let [before, last] = single.spans() else { panic!("two spans") };
        assert!((last.log_beta_tilde_clipped() - before.beta_tilde().ln()).abs() < 1e-15);
        assert!(matches!(vp.from_pure_noise(f64::NAN), Err(GridError::Level(_))));
    }

    #[test]
    fn the_last_step_knows_the_one_before_it() {
        let grid = Grid::new([edm(3.0), edm(2.0), edm(0.5)]).unwrap();
        let [.., before, last] = grid.spans() else { panic!("three spans") };
        assert_eq!(last.beta_tilde(), 0.0);
        assert_eq!(last.log_beta_tilde_clipped(), before.beta_tilde().ln());
        let single = Grid::new([edm(3.0)]).unwrap();
        assert_eq!(single.spans()[0].log_beta_tilde_clipped(), single.spans()[0].log_beta());
    }

    #[test]
    fn a_grid_that_ends_at_a_level_keeps_its_own_variance_there() {
        let grid = Grid::ending_at([edm(3.0), edm(2.0)], edm(0.5)).unwrap();
        let last = grid.spans()[1];
        assert_eq!((grid.end(), last.to_sigma()), (Some(edm(0.5)), 0.5));
        assert_eq!(last.log_beta_tilde_clipped(), last.beta_tilde().ln());
    }

    #[test]
    fn the_rest_of_a_grid_keeps_its_steps() {
        let whole = Grid::ending_at([3.0, 2.0, 1.0].map(edm), edm(0.5)).unwrap();
        for (first, level) in whole.levels().enumerate() {
            assert_eq!(whole.starting_at(level).unwrap().spans(), &whole.spans()[first..]);
        }
        assert_eq!(whole.starting_at(edm(3.0)).unwrap(), whole);
        let relabelled = Level::vp_of_sigma(2.0, 7.0).unwrap();
        assert_eq!(whole.starting_at(relabelled).unwrap().start(), edm(2.0));
        for foreign in [edm(1.5), edm(0.5)] {
            let (time, alpha_bar) = (foreign.time(), foreign.alpha_bar());
            assert_eq!(whole.starting_at(foreign), Err(GridError::NotVisited { time, alpha_bar }));
        }
    }

    #[test]
    fn tiny_sigmas_have_a_beta_in_full_precision() {
        for grid in [
            Grid::new([edm(2e-9), edm(1e-9)]).unwrap(),
            Grid::new([2e-9, 1e-9].map(|sigma| Level::vp_of_sigma(sigma, 0.0).unwrap())).unwrap(),
        ] {
            assert!((grid.spans()[0].beta() / 3e-18 - 1.0).abs() < 1e-14);
            assert!((grid.spans()[0].beta_tilde() / 0.75e-18 - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn other_coordinates_and_labels_keep_the_betas() {
        let vp = Grid::new([0.1, 0.5, 0.9].map(|alpha_bar| Level::vp(alpha_bar, 1.0).unwrap())).unwrap();
        let (edm, late) = (vp.unscaled().unwrap(), vp.with_times(|level| level.sigma()).unwrap());
        for i in 0..3 {
            assert_eq!((vp.spans()[i].beta(), edm.spans()[i].beta()), (late.spans()[i].beta(), vp.spans()[i].beta()));
        }
        assert_eq!((edm.start().signal(), late.start().time()), (1.0, vp.start().sigma()));
        assert!(vp.with_times(|_| f64::NAN).is_err());
        assert_eq!(Grid::new([Level::vp(0.0, 1.0).unwrap()]).unwrap().unscaled(), Err(GridError::PureNoise));
    }
}
