//! Loss-aware importance sampling of levels.

use crate::LossError;

/// Draws the level of a training image in proportion to the root mean square of its last losses
/// (Nichol and Dhariwal 2021, arXiv:2102.09672, section 3.3, eq. 18).
///
/// The last 10 losses of each level are kept. Until every level has 10, levels are uniform with weight 1; from then
/// on `p_t` is proportional to the root of the mean square, mixed with 0.001 of uniform, and a loss that was drawn
/// so counts `1 / (T p_t)`, which leaves its expectation that of uniform levels. Both numbers are those of the
/// authors' code. Record losses before they are weighted. The losses kept are all the state: a resumed run hands
/// [`history`](Self::history) to [`with_history`](Self::with_history).
#[derive(Clone, Debug, PartialEq)]
pub struct LossSecondMoment {
    history: Vec<Vec<f64>>,
    kept: usize,
    uniform: f64,
}

/// The probabilities of the levels at one moment, to draw a batch from.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelDistribution {
    probabilities: Vec<f64>,
    cumulative: Vec<f64>,
}

/// One drawn level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawnLevel {
    /// The level, `t` in 1..=T.
    pub t: usize,
    /// What its loss is to be multiplied by, `1 / (T p_t)`.
    pub weight: f64,
}

impl LossSecondMoment {
    /// No losses yet of `steps` levels, at least 1; the published constants.
    ///
    /// # Errors
    /// [`LossError::NoLevels`] for 0.
    pub fn new(steps: usize) -> Result<Self, LossError> {
        LossSecondMoment::keeping(steps, 10, 0.001)
    }

    /// The same with other constants: `kept` losses of each level, at least 1, and a share of `uniform` in 0..=1.
    ///
    /// # Errors
    /// [`LossError::NoLevels`] for no levels, [`LossError::Share`] or [`LossError::NothingKept`] for constants out of
    /// their range.
    pub fn keeping(steps: usize, kept: usize, uniform: f64) -> Result<Self, LossError> {
        match (steps, kept) {
            (0, _) => Err(LossError::NoLevels),
            (_, 0) => Err(LossError::NothingKept),
            _ if !(0.0..=1.0).contains(&uniform) => Err(LossError::Share { uniform }),
            _ => Ok(LossSecondMoment { history: vec![Vec::new(); steps], kept, uniform }),
        }
    }

    /// The state of a run that has kept these losses: one row for each of `t = 1..=T`, oldest first.
    ///
    /// # Errors
    /// [`LossError::HistoryRows`] unless there is one row for each level, [`LossError::History`] for a row of more
    /// losses than are kept, [`LossError::RecordedLoss`] for one that is not finite.
    pub fn with_history(self, history: Vec<Vec<f64>>) -> Result<Self, LossError> {
        if history.len() != self.history.len() {
            return Err(LossError::HistoryRows { rows: history.len(), steps: self.history.len() });
        }
        for (t, row) in (1..).zip(&history) {
            if row.len() > self.kept {
                return Err(LossError::History { t, kept: row.len(), most: self.kept });
            }
            row.iter().try_for_each(|&loss| finite(t, loss))?;
        }
        Ok(LossSecondMoment { history, ..self })
    }

    /// The losses kept: one row for each of `t = 1..=T`, oldest first.
    pub fn history(&self) -> &[Vec<f64>] {
        &self.history
    }

    /// Keeps the loss of one image at level `t` in 1..=T, and forgets the oldest beyond those kept.
    ///
    /// # Errors
    /// [`LossError::Level`] for another `t`, [`LossError::RecordedLoss`] if the loss is not finite.
    pub fn record(&mut self, t: usize, loss: f64) -> Result<(), LossError> {
        finite(t, loss)?;
        let kept = self.kept;
        let steps = self.history.len();
        let row = t.checked_sub(1).and_then(|index| self.history.get_mut(index));
        let row = row.ok_or(LossError::Level { t, steps })?;
        if row.len() == kept {
            row.remove(0);
        }
        row.push(loss);
        Ok(())
    }

    /// Whether every level has all its losses, so that they decide.
    pub fn is_warm(&self) -> bool {
        self.history.iter().all(|row| row.len() == self.kept)
    }

    /// The probabilities from which the next batch is to be drawn.
    ///
    /// Losses that are all 0 say nothing: levels are uniform then (the authors' code divides by 0).
    pub fn distribution(&self) -> LevelDistribution {
        let steps = self.history.len() as f64;
        let moments: Vec<f64> = self.history.iter().map(|row| root_mean_square(row)).collect();
        let sum: f64 = moments.iter().sum();
        if !self.is_warm() || sum == 0.0 {
            return LevelDistribution::of(vec![1.0 / steps; self.history.len()]);
        }
        let mixed = |moment: &f64| moment / sum * (1.0 - self.uniform) + self.uniform / steps;
        LevelDistribution::of(moments.iter().map(mixed).collect())
    }
}

impl LevelDistribution {
    fn of(probabilities: Vec<f64>) -> Self {
        let add = |sum: &mut f64, p: &f64| {
            *sum += p;
            Some(*sum)
        };
        let cumulative = probabilities.iter().scan(0.0, add).collect();
        LevelDistribution { probabilities, cumulative }
    }

    /// The probabilities of `t = 1..=T`.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The level that belongs to a number drawn uniformly from `[0, 1)`, as `SampleNoise::uniform` draws for an
    /// image's running number.
    ///
    /// Low numbers give low levels: the distribution function is inverted.
    ///
    /// # Errors
    /// [`LossError::Uniform`] for a number outside `[0, 1)`.
    pub fn draw(&self, uniform: f64) -> Result<DrawnLevel, LossError> {
        if !(0.0..1.0).contains(&uniform) {
            return Err(LossError::Uniform { value: uniform });
        }
        let steps = self.probabilities.len();
        let reached = uniform * self.cumulative[steps - 1];
        let index = self.cumulative.partition_point(|&sum| sum <= reached).min(steps - 1);
        Ok(DrawnLevel { t: index + 1, weight: 1.0 / (steps as f64 * self.probabilities[index]) })
    }
}

fn root_mean_square(losses: &[f64]) -> f64 {
    (losses.iter().map(|loss| loss * loss).sum::<f64>() / losses.len() as f64).sqrt()
}

fn finite(t: usize, loss: f64) -> Result<(), LossError> {
    if loss.is_finite() { Ok(()) } else { Err(LossError::RecordedLoss { t, loss }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three levels whose losses are 1, 2 and 3 in 10 of each.
    fn warm() -> LossSecondMoment {
        let mut sampler = LossSecondMoment::new(3).expect("valid");
        for loss in (0..10).flat_map(|_| [1.0, 2.0, 3.0]) {
            sampler.record(loss as usize, loss).expect("valid");
        }
        sampler
    }

    fn resumed(history: Vec<Vec<f64>>) -> Result<LossSecondMoment, LossError> {
        LossSecondMoment::new(history.len())?.with_history(history)
    }

    #[test]
    fn levels_are_uniform_until_each_has_ten_losses() {
        let mut sampler = LossSecondMoment::new(2).expect("valid");
        for _ in 0..30 {
            sampler.record(1, 5.0).expect("valid");
        }
        (0..9).for_each(|_| sampler.record(2, 1.0).expect("valid"));
        assert!(!sampler.is_warm());
        assert_eq!(sampler.distribution().probabilities(), [0.5, 0.5]);
        assert_eq!(sampler.distribution().draw(0.5).expect("valid"), DrawnLevel { t: 2, weight: 1.0 });
        sampler.record(2, 1.0).expect("valid");
        assert!(sampler.is_warm() && sampler.distribution().probabilities()[0] > 0.8);
    }

    #[test]
    fn probabilities_follow_the_root_mean_square_with_a_share_of_uniform() {
        let distribution = warm().distribution();
        for (found, t) in distribution.probabilities().iter().zip(1..) {
            let expected = 0.999 * f64::from(t) / 6.0 + 0.001 / 3.0;
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        let drawn = [0.1, 0.16, 0.18, 0.49, 0.51, 0.9].map(|u| distribution.draw(u).expect("valid").t);
        assert_eq!(drawn, [1, 1, 2, 2, 3, 3], "levels end at about 1/6, 1/2 and 1");
        let spread = resumed(vec![vec![3.0; 10], [[1.0; 5], [7.0; 5]].concat()]).expect("valid");
        let p = 0.999 * 3.0 / (3.0 + 5.0) + 0.0005;
        assert!((spread.distribution().probabilities()[0] - p).abs() < 1e-15, "squares are averaged, not losses");
    }

    #[test]
    fn weights_leave_the_expectation_of_uniform_levels() {
        let distribution = warm().distribution();
        let losses = [0.3, -2.0, 11.0];
        let of = |i: usize| {
            let start: f64 = distribution.probabilities()[..i].iter().sum();
            let drawn = distribution.draw(start + 1e-9).expect("valid");
            assert_eq!(drawn.t, i + 1);
            distribution.probabilities()[i] * drawn.weight * losses[i]
        };
        let expectation: f64 = (0..3).map(of).sum();
        assert!((expectation - losses.iter().sum::<f64>() / 3.0).abs() < 1e-14);
    }

    #[test]
    fn the_oldest_loss_is_forgotten_and_the_history_is_the_state() {
        let mut sampler = warm();
        for loss in [7.0, 8.0] {
            sampler.record(1, loss).expect("valid");
        }
        assert_eq!(sampler.history()[0], [[1.0; 8].as_slice(), &[7.0, 8.0]].concat());
        let resumed = resumed(sampler.history().to_vec()).expect("valid");
        assert_eq!(resumed, sampler);
    }

    #[test]
    fn every_number_below_one_has_a_level() {
        let distribution = warm().distribution();
        assert_eq!(distribution.draw(0.0).expect("valid").t, 1);
        assert_eq!(distribution.draw(1.0 - f64::EPSILON / 2.0).expect("valid").t, 3);
        for value in [1.0, -0.1, f64::NAN] {
            assert!(matches!(distribution.draw(value), Err(LossError::Uniform { .. })));
        }
    }

    #[test]
    fn what_would_spoil_the_probabilities_is_refused() {
        let mut sampler = warm();
        assert!(matches!(sampler.record(4, 1.0), Err(LossError::Level { t: 4, steps: 3 })));
        assert!(matches!(sampler.record(0, 1.0), Err(LossError::Level { t: 0, .. })));
        assert!(matches!(sampler.record(1, f64::NAN), Err(LossError::RecordedLoss { t: 1, .. })));
        assert_eq!(sampler, warm());
        assert!(matches!(LossSecondMoment::new(0), Err(LossError::NoLevels)));
        let long = resumed(vec![vec![0.0; 11]]);
        assert!(matches!(long, Err(LossError::History { t: 1, kept: 11, most: 10 })));
        let short = warm().with_history(vec![vec![]; 2]);
        assert!(matches!(short, Err(LossError::HistoryRows { rows: 2, steps: 3 })));
        assert!(matches!(LossSecondMoment::keeping(3, 0, 0.1), Err(LossError::NothingKept)));
        assert!(matches!(LossSecondMoment::keeping(3, 1, -0.1), Err(LossError::Share { uniform: -0.1 })));
        let silent = resumed(vec![vec![0.0; 10]; 4]).expect("valid");
        assert_eq!(silent.distribution().probabilities(), [0.25; 4]);
    }

    #[test]
    fn constants_can_be_chosen_and_all_uniform_is_uniform() {
        let sampler = |uniform| {
            let sampler = LossSecondMoment::keeping(2, 1, uniform).expect("valid");
            sampler.with_history(vec![vec![1.0], vec![3.0]]).expect("fits").distribution()
        };
        assert_eq!(sampler(0.0).probabilities(), [0.25, 0.75]);
        assert_eq!(sampler(0.5).probabilities(), [0.375, 0.625]);
        assert_eq!(sampler(1.0).probabilities(), [0.5, 0.5]);
        assert_eq!(sampler(1.0).draw(0.7).expect("valid"), DrawnLevel { t: 2, weight: 1.0 });
    }
}
