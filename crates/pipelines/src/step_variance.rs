//! The variance of reverse steps that a published model was trained for.

use serde::Serialize;
use undrift_denoisers::{OutputVariance, Variance};

/// The variance of reverse steps, and what the network says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepVariance {
    /// beta_tilde.
    FixedSmall,
    /// beta.
    FixedLarge,
    /// A log-variance per pixel and channel, the second half of the output, which no layout has a word for.
    Learned,
    /// A position between beta_tilde and beta, the second half of the output (Nichol and Dhariwal 2021,
    /// arXiv:2102.09672).
    LearnedRange,
}

impl StepVariance {
    /// The variance of a step.
    pub fn of_steps(self) -> Variance {
        match self {
            StepVariance::FixedSmall => Variance::FixedSmall,
            StepVariance::FixedLarge => Variance::FixedLarge,
            StepVariance::Learned | StepVariance::LearnedRange => Variance::Learned,
        }
    }

    /// What the second half of the network's channels is.
    pub fn of_output(self) -> OutputVariance {
        match self {
            StepVariance::FixedSmall | StepVariance::FixedLarge => OutputVariance::None,
            StepVariance::Learned => OutputVariance::LogVariance,
            StepVariance::LearnedRange => OutputVariance::Range,
        }
    }
}
