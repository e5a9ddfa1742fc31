//! Levels and labels between the levels of a chain.

use super::Chain;
use crate::{Grid, GridError, Level};

/// Which label a level gets whose sigma lies between two levels of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Linear in the logarithm of sigma between the labels of the two neighbours.
    Interpolated,
    /// The label of the neighbour that is nearer in the logarithm of sigma (a tie goes to the even index).
    Rounded,
}

impl Chain {
    /// The label that belongs to a noise-to-signal ratio; `None` outside of the chain's own range of sigma.
    ///
    /// The rule of diffusers' sigma-based schedulers, which follows k-diffusion (Crowson 2022).
    /// There a sigma outside of the range silently gets the label of the nearest end.
    pub fn label_of(&self, sigma: f64, labels: Labels) -> Option<f64> {
        if !(self.levels[0].sigma() <= sigma && sigma <= self.last().sigma()) {
            return None;
        }
        let position = self.position_of(sigma);
        Some(match labels {
            Labels::Interpolated => self.label_at(position),
            Labels::Rounded => self.levels[position.round_ties_even() as usize].time(),
        })
    }

    /// The level at a real `t` in `1..=T`: sigma and label are linear in `t` between neighbours.
    ///
    /// `None` outside of `1..=T` and between the last two levels if the last is pure noise. The rule of
    /// diffusers' Euler scheduler ("linear" interpolation), in VP coordinates.
    pub fn level_at(&self, t: f64) -> Option<Level> {
        if !(1.0 <= t && t <= self.len() as f64) {
            return None;
        }
        let position = t - 1.0;
        let low = position.floor() as usize;
        let share = position - low as f64;
        if share == 0.0 {
            return self.levels.get(low).copied();
        }
        let (below, above) = (self.levels[low].sigma(), self.levels[low + 1].sigma());
        Level::vp_of_sigma(below + share * (above - below), self.label_at(position)).ok()
    }

    /// `steps` levels at evenly spaced real `t` from `T` down to 1, by [`Chain::level_at`]; one step is `t = T`.
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::TooManySteps`] for more than `T`, and
    /// [`GridError::PureNoise`] if the chain ends in pure noise.
    pub fn respace_between(&self, steps: usize) -> Result<Grid, GridError> {
        let len = self.len();
        if steps > len {
            return Err(GridError::TooManySteps { steps, len });
        }
        let at = |t: f64| self.level_at(t).ok_or(GridError::PureNoise);
        let ts = super::linspace(len as f64, 1.0, steps);
        let levels = ts.map(at).collect::<Result<Vec<Level>, GridError>>()?;
        if self.last().is_pure_noise() { Err(GridError::PureNoise) } else { Grid::new(levels) }
    }

    /// Real index, from 0, of a sigma within the chain's range.
    fn position_of(&self, sigma: f64) -> f64 {
        let above = self.levels.partition_point(|level| level.sigma() <= sigma);
        let low = above.saturating_sub(1);
        if low + 1 == self.len() {
            return low as f64;
        }
        let (below, above) = (self.levels[low].sigma().ln(), self.levels[low + 1].sigma().ln());
        low as f64 + (sigma.ln() - below) / (above - below)
    }

    /// Label at a real index, from 0.
    fn label_at(&self, position: f64) -> f64 {
        let low = position.floor() as usize;
        let share = position - low as f64;
        let below = self.levels[low].time();
        self.levels.get(low + 1).map_or(below, |above| below + share * (above.time() - below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_the_chain_have_their_own_labels() {
        let chain = Chain::linear(50).unwrap().with_times(|t| 10.0 * t as f64).unwrap();
        for level in chain.levels() {
            for labels in [Labels::Interpolated, Labels::Rounded] {
                assert!((chain.label_of(level.sigma(), labels).unwrap() - level.time()).abs() < 1e-9);
            }
        }
        assert_eq!(chain.label_of(chain.last().sigma() * 1.01, Labels::Rounded), None);
        assert_eq!(chain.label_of(chain.levels()[0].sigma() * 0.99, Labels::Rounded), None);
        assert_eq!(chain.label_of(f64::NAN, Labels::Rounded), None);
    }

    #[test]
    fn the_geometric_mean_is_half_way() {
        let chain = Chain::linear(50).unwrap();
        let (a, b) = (chain.levels()[20].sigma(), chain.levels()[21].sigma());
        assert!((chain.label_of((a * b).sqrt(), Labels::Interpolated).unwrap() - 20.5).abs() < 1e-12);
        assert_eq!(chain.label_of((a * b).sqrt() * 1.0001, Labels::Rounded), Some(21.0));
    }

    #[test]
    fn the_arithmetic_mean_is_half_way_in_t() {
        let chain = Chain::linear(50).unwrap();
        let level = chain.level_at(21.5).unwrap();
        let expected = 0.5 * (chain.levels()[20].sigma() + chain.levels()[21].sigma());
        assert!((level.sigma() / expected - 1.0).abs() < 1e-14);
        assert_eq!((level.time(), level.scale()), (20.5, 1.0));
        assert_eq!(chain.level_at(21.0), chain.level(21));
        assert_eq!((chain.level_at(0.9), chain.level_at(50.1), chain.level_at(f64::NAN)), (None, None, None));
    }

    #[test]
    fn respacing_between_levels_gives_the_steps_asked_for() {
        let chain = Chain::linear(100).unwrap();
        for steps in 1..=100 {
            let grid = chain.respace_between(steps).unwrap();
            assert_eq!((grid.steps(), grid.start()), (steps, chain.last()));
        }
        assert_eq!(chain.respace_between(0), Err(GridError::Empty));
        assert_eq!(chain.respace_between(101), Err(GridError::TooManySteps { steps: 101, len: 100 }));
        assert_eq!(Chain::jsd(10).unwrap().respace_between(1), Err(GridError::PureNoise));
    }
}
