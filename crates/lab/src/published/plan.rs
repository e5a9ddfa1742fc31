//! The sampler of a published process: what the command line says, and the published code's own where it is silent.

use super::process::{Process, Visits, X0Limit};
use crate::methods::{Method, MethodError, Sampler, SamplerSettings, SpacingName, refused};
use crate::registry;
use crate::run::RunError;
use undrift_schedules::{Chain, Grid};

/// What is said about the sampler; everything else is the published code's.
#[derive(Clone, Debug, Default)]
pub struct SamplerChoice {
    /// The solver.
    pub solver: Option<Method>,
    /// Steps.
    pub steps: Option<usize>,
    /// How they are chosen.
    pub spacing: Option<SpacingName>,
    /// What stands around the network; an empty list is none.
    pub wrappers: Option<Vec<Method>>,
}

/// A sampler that is ready to draw.
pub struct Plan {
    /// Levels, solver and wrappers.
    pub sampler: Sampler,
    /// The same in the words of a recipe.
    pub settings: SamplerSettings,
}

impl Plan {
    /// The sampler of a process.
    ///
    /// # Errors
    /// [`RunError::Method`] for a method that does not exist or does not fit; those of the chain.
    pub fn new(process: &Process, choice: &SamplerChoice) -> Result<Self, RunError> {
        let chain = registry::chain(&process.chain)?;
        let settings = settings(process, choice);
        let variance = registry::variance(process.variance);
        let sampler = match (&process.visits, choice.steps, choice.spacing) {
            (Visits::Chosen(ts), None, None) => settings.build_over(chosen(&chain, ts)?, &chain, variance)?,
            _ => settings.build(&chain, variance)?,
        };
        Ok(Plan { sampler, settings })
    }
}

fn chosen(chain: &Chain, ts: &[usize]) -> Result<Grid, MethodError> {
    chain.grid_at(ts).map_err(refused)
}

/// The published code's sampler, with what is said otherwise.
fn settings(process: &Process, choice: &SamplerChoice) -> SamplerSettings {
    let own = match process.limit {
        X0Limit::None => Vec::new(),
        X0Limit::Clip { .. } => vec![Method::named("clip")],
    };
    SamplerSettings {
        solver: choice.solver.clone().unwrap_or_else(|| process.solver.clone()),
        steps: choice.steps,
        spacing: choice.spacing.unwrap_or_default(),
        wrappers: choice.wrappers.clone().unwrap_or(own),
    }
}
