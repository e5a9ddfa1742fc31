//! What a denoiser is asked: at which levels, where in a step, and after which belief.

use std::ops::Deref;

use undrift_schedules::Level;

use crate::{Levels, Prediction};

/// What a denoiser is asked about its `x`: the levels of the samples, whether it is a stage inside a step, and the belief
/// before it.
///
/// It reads as its [`Levels`], which is all that most models look at. The belief before is what the model said last on
/// the same way from noise to data, for models that are conditioned on it
/// ([`SelfConditioned`](crate::SelfConditioned)) or average over it; a wrapper passes it on as it is.
///
/// ```
/// use undrift_denoisers::Question;
/// use undrift_schedules::Level;
///
/// let question = Question::<4>::from(Level::vp(0.5, 10.0)?);
/// assert_eq!(question.len(), 1);
/// assert!(!question.is_stage() && question.before().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Question<const D: usize> {
    levels: Levels,
    stage: bool,
    before: Option<Prediction<D>>,
}

impl<const D: usize> Question<D> {
    /// A level that a solver visits inside a step, as Heun's second evaluation does.
    ///
    /// What acts once per step (time shift) leaves such a question alone, even at a level of the grid.
    pub fn stage(level: Level) -> Self {
        Question { stage: true, ..Question::from(level) }
    }

    /// The same question after another belief, or after none.
    #[must_use]
    pub fn after(self, before: impl Into<Option<Prediction<D>>>) -> Self {
        Question { before: before.into(), ..self }
    }

    /// The same question at other levels, as a wrapper asks it that changes them.
    #[must_use]
    pub fn at(&self, levels: impl Into<Levels>) -> Self {
        Question { levels: levels.into(), stage: self.stage, before: self.before.clone() }
    }

    /// The levels of the samples.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Whether this is a visit inside a step.
    pub fn is_stage(&self) -> bool {
        self.stage
    }

    /// The belief before this question; none at the start of sampling and in plain training.
    pub fn before(&self) -> Option<&Prediction<D>> {
        self.before.as_ref()
    }
}

impl<const D: usize> Deref for Question<D> {
    type Target = Levels;

    fn deref(&self) -> &Levels {
        &self.levels
    }
}

impl<const D: usize> From<Levels> for Question<D> {
    fn from(levels: Levels) -> Self {
        Question { levels, stage: false, before: None }
    }
}

impl<const D: usize> From<&Levels> for Question<D> {
    fn from(levels: &Levels) -> Self {
        Question::from(levels.clone())
    }
}

impl<const D: usize> From<Level> for Question<D> {
    fn from(level: Level) -> Self {
        Question::from(Levels::from(level))
    }
}

impl<const D: usize> From<Vec<Level>> for Question<D> {
    fn from(levels: Vec<Level>) -> Self {
        Question::from(Levels::from(levels))
    }
}

impl<const D: usize> From<Question<D>> for Levels {
    fn from(question: Question<D>) -> Self {
        question.levels
    }
}

impl<const D: usize> From<&Question<D>> for Levels {
    fn from(question: &Question<D>) -> Self {
        question.levels.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rows;

    #[test]
    fn at_other_levels_all_else_is_kept() {
        let [a, b] = [0.5, 0.9].map(|alpha_bar| Level::vp(alpha_bar, 10.0).expect("valid"));
        let before = Prediction::from_x0(rows([[1.0]]), rows([[0.5]]), a).expect("fits");
        let question = Question::stage(a).after(before).at(b);
        assert_eq!(question.levels().of(0), Some(b));
        assert!(question.is_stage() && question.before().is_some());
        assert!(!Question::<2>::from(a).at(b).is_stage() && Question::<2>::from(a).at(b).before().is_none());
    }
}
