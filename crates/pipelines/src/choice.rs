//! What is asked of a sampler instead of the published code's own.

use crate::{BoxError, Context, PipelineError, Placing, PublishedSolver, Wrapper};
use std::rc::Rc;
use undrift_samplers::Solver;

/// What is said about the sampler; everything else is the published code's.
#[derive(Clone, Default)]
pub struct Choice {
    /// The solver.
    pub solver: Option<AskedSolver>,
    /// Steps.
    pub steps: Option<usize>,
    /// How they are placed.
    pub placing: Option<Placing>,
    /// What stands around the network, the first next to it; an empty list is none.
    pub wrappers: Option<Vec<AskedWrapper>>,
}

/// A solver that is asked for.
#[derive(Clone)]
pub struct AskedSolver {
    /// Name and parameters, as `ddim:eta=0.5`.
    pub text: String,
    /// The published solver that it is, if it is one: a scheduler of diffusers then places its steps.
    pub published: Option<PublishedSolver>,
    /// The solver itself.
    pub build: BuildSolver,
}

/// A solver over some levels.
pub type BuildSolver = Rc<dyn Fn(&Context<'_>) -> Result<Box<dyn Solver<4>>, BoxError>>;

impl From<PublishedSolver> for AskedSolver {
    fn from(solver: PublishedSolver) -> Self {
        let refused = move |why| PipelineError::refused(solver.name(), why);
        let build = move |over: &Context<'_>| Ok(solver.build(over).map_err(refused)?);
        AskedSolver { text: solver.to_string(), published: Some(solver), build: Rc::new(build) }
    }
}

/// A wrapper that is asked for.
#[derive(Clone)]
pub enum AskedWrapper {
    /// Clips x0 to the published range, or to [-1, 1] where there is none.
    Clip,
    /// Any other.
    Other(Rc<dyn Wrapper>),
}
