//! One statistic for each level of a grid.

use undrift_schedules::{Grid, Level};

use crate::MetricError;

/// One statistic for each level of a grid, noisiest first; the level that the grid ends at is the last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PerLevel<S> {
    levels: Vec<Level>,
    stats: Vec<S>,
}

impl<S: Default> PerLevel<S> {
    pub(crate) fn new(grid: &Grid) -> Self {
        let levels: Vec<Level> = grid.levels().chain(grid.end()).collect();
        let stats = levels.iter().map(|_| S::default()).collect();
        PerLevel { levels, stats }
    }
}

impl<S> PerLevel<S> {
    /// The level after `step` steps, and its statistic.
    pub(crate) fn after(&mut self, step: usize) -> Result<(Level, &mut S), MetricError> {
        let levels = self.levels.len();
        let stats = self.stats.get_mut(step).ok_or(MetricError::NoSuchLevel { step, levels })?;
        Ok((self.levels[step], stats))
    }

    /// Each level with its statistic, noisiest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Level, &S)> {
        self.levels.iter().copied().zip(&self.stats)
    }

    /// Merges level by level.
    pub(crate) fn merge(
        &mut self,
        other: &Self,
        merge: impl Fn(&mut S, &S) -> Result<(), MetricError>,
    ) -> Result<(), MetricError> {
        if self.levels != other.levels {
            return Err(MetricError::OtherLevels);
        }
        self.stats.iter_mut().zip(&other.stats).try_for_each(|(ours, theirs)| merge(ours, theirs))
    }
}
