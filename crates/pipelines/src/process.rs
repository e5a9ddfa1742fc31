//! The forward process that a published network was trained with, and what its output means.

use crate::scheduler::Scheduler;
use crate::{Betas, Predicted, PublishedSolver, StepVariance, X0Limit};
use undrift_checkpoints::Assumed;
use undrift_schedules::Spacing;

/// What a checkpoint's tensors cannot tell: the chain, the meaning of the output, how samples were drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// The forward process.
    pub chain: Betas,
    /// What (the first half of) the output is.
    pub prediction: Predicted,
    /// The variance of reverse steps; learned where the output has twice the channels.
    pub variance: StepVariance,
    /// What the published sampler does to x0.
    pub limit: X0Limit,
    /// What the time label is multiplied by before the network sees it.
    pub time_factor: f64,
    /// The published code's own sampler.
    pub solver: PublishedSolver,
    /// Which levels the published code visits.
    pub visits: Visits,
    /// How they are chosen where only their number is said.
    pub spacing: Spacing,
    /// What was taken because nothing was said.
    pub assumed: Vec<Assumed>,
}

/// Which levels of the chain are visited where the command line does not say.
#[derive(Clone, Debug, PartialEq)]
pub enum Visits {
    /// All.
    All,
    /// Those of these t, noisiest first, as `timestep_respacing` of guided-diffusion chooses them.
    Chosen(Vec<usize>),
    /// As a scheduler of diffusers chooses them.
    Diffusers(Box<Scheduler>),
}

impl Process {
    /// DDPM's: eps over the linear chain of 1000 steps, x0 clipped.
    pub fn ddpm() -> Self {
        Process {
            chain: Betas::Linear { length: 1000 },
            prediction: Predicted::Eps,
            variance: StepVariance::FixedLarge,
            limit: X0Limit::Clip { range: 1.0 },
            time_factor: 1.0,
            solver: PublishedSolver::Ddpm,
            visits: Visits::All,
            spacing: Spacing::Trailing,
            assumed: Vec::new(),
        }
    }
}
