//! Solver, wrappers and steps by name, as values that a published pipeline takes.

use crate::methods::{Context, Method, MethodError, SpacingName, Wrapped, solver};
use std::rc::Rc;
use undrift_pipelines::{AskedSolver, AskedWrapper, Belief, BoxError, Choice, Placing, PublishedSolver, Wrapper};
use undrift_samplers::Solver;
use undrift_schedules::Spacing;

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

impl SamplerChoice {
    /// The values that these names stand for.
    ///
    /// # Errors
    /// [`MethodError`] for a wrapper that does not exist or a parameter that it has not.
    pub fn values(&self) -> Result<Choice, MethodError> {
        let wrappers = self.wrappers.as_ref().map(|all| all.iter().map(wrapper).collect::<Result<_, _>>());
        Ok(Choice {
            solver: self.solver.as_ref().map(asked),
            steps: self.steps,
            placing: self.spacing.map(Placing::from),
            wrappers: wrappers.transpose()?,
        })
    }
}

impl From<SpacingName> for Placing {
    fn from(name: SpacingName) -> Self {
        match name {
            SpacingName::Uniform => Placing::Spaced(Spacing::Uniform),
            SpacingName::Quadratic => Placing::Spaced(Spacing::Quadratic),
            SpacingName::Leading => Placing::Spaced(Spacing::Leading),
            SpacingName::Trailing => Placing::Spaced(Spacing::Trailing),
            SpacingName::Linspace => Placing::Spaced(Spacing::Linspace),
            SpacingName::Karras => Placing::Karras,
        }
    }
}

/// The solver of this name, and the published one that it is.
fn asked(method: &Method) -> AskedSolver {
    let eta = method.given.iter().find(|(key, _)| key == "eta").and_then(|(_, value)| value.parse().ok());
    let named = method.clone();
    AskedSolver {
        text: method.to_string(),
        published: PublishedSolver::named(&method.name, eta.unwrap_or(0.0)),
        build: Rc::new(move |over| Ok(solver(&named, &context(over))?)),
    }
}

fn wrapper(method: &Method) -> Result<AskedWrapper, MethodError> {
    if *method == Method::named("clip") {
        return Ok(AskedWrapper::Clip);
    }
    Ok(AskedWrapper::Other(Rc::new(Named { method: method.clone(), wrapped: Wrapped::new(method)? })))
}

/// A wrapper by name.
struct Named {
    method: Method,
    wrapped: Wrapped,
}

impl Wrapper for Named {
    fn text(&self) -> String {
        self.method.to_string()
    }

    fn clips(&self) -> bool {
        self.method.name == "clip"
    }

    fn is_around_solver(&self) -> bool {
        self.wrapped.is_around_solver()
    }

    fn around_denoiser<'a>(
        &self,
        inner: Belief<'a>,
        over: &undrift_pipelines::Context<'_>,
    ) -> Result<Belief<'a>, BoxError> {
        Ok(self.wrapped.around_denoiser(inner, &context(over))?)
    }

    fn around_solver(
        &self,
        inner: Box<dyn Solver<4>>,
        over: &undrift_pipelines::Context<'_>,
    ) -> Result<Box<dyn Solver<4>>, BoxError> {
        Ok(self.wrapped.around_solver(inner, &context(over))?)
    }
}

fn context<'a>(over: &undrift_pipelines::Context<'a>) -> Context<'a> {
    Context { chain: over.chain, grid: over.grid, variance: over.variance }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::SOLVERS;

    #[test]
    fn published_solvers_have_the_same_names_here() {
        let published = SOLVERS.iter().filter_map(|row| PublishedSolver::named(row.name, 0.0));
        assert_eq!(published.count(), 14);
        let asked = asked(&"ddim:eta=0.5".parse().unwrap());
        assert_eq!((asked.text.as_str(), asked.published), ("ddim:eta=0.5", PublishedSolver::named("ddim", 0.5)));
    }

    #[test]
    fn placings_have_the_same_names_here() {
        for name in <SpacingName as clap::ValueEnum>::value_variants() {
            assert_eq!(Placing::from(*name).to_string(), name.name());
        }
    }
}
