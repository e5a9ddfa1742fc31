//! Solver, wrappers and steps by name, as values that a published pipeline takes.

use crate::methods::slots::Wrapped;
use crate::methods::{Context, Given, Method, MethodError, Methods};
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
    pub spacing: Option<Method>,
    /// What stands around the network; an empty list is none.
    pub wrappers: Option<Vec<Method>>,
}

impl SamplerChoice {
    /// The values that these names stand for.
    ///
    /// # Errors
    /// [`MethodError`] for a wrapper that does not exist or a parameter that it has not.
    pub fn values(&self, methods: &Methods) -> Result<Choice, MethodError> {
        let wrappers =
            self.wrappers.as_ref().map(|all| all.iter().map(|one| wrapper(methods, one)).collect::<Result<_, _>>());
        Ok(Choice {
            solver: self.solver.as_ref().map(|solver| asked(methods, solver)),
            steps: self.steps,
            placing: self.spacing.as_ref().map(placing).transpose()?,
            wrappers: wrappers.transpose()?,
        })
    }
}

/// The published placing of this name.
fn placing(spacing: &Method) -> Result<Placing, MethodError> {
    Ok(match spacing.to_string().as_str() {
        "uniform" => Placing::Spaced(Spacing::Uniform),
        "quadratic" => Placing::Spaced(Spacing::Quadratic),
        "leading" => Placing::Spaced(Spacing::Leading),
        "trailing" => Placing::Spaced(Spacing::Trailing),
        "linspace" => Placing::Spaced(Spacing::Linspace),
        "karras" => Placing::Karras,
        other => return Err(MethodError::refused(other, PLACINGS)),
    })
}

/// The spacings of published codes.
const PLACINGS: &str =
    "published codes have none such; choose uniform, quadratic, leading, trailing, linspace or karras";

/// The solver of this name, and the published one that it is.
fn asked(methods: &Methods, method: &Method) -> AskedSolver {
    let eta = method.given("eta").and_then(Given::number);
    let (methods, named) = (methods.clone(), method.clone());
    AskedSolver {
        text: method.to_string(),
        published: PublishedSolver::named(&method.name, eta.unwrap_or(0.0)),
        build: Rc::new(move |over| Ok(methods.solver(&named, over)?)),
    }
}

fn wrapper(methods: &Methods, method: &Method) -> Result<AskedWrapper, MethodError> {
    if *method == Method::named("clip") {
        return Ok(AskedWrapper::Clip);
    }
    Ok(AskedWrapper::Other(Rc::new(Named {
        method: method.clone(),
        wrapped: Wrapped::new(methods.wrappers.find(method)?),
    })))
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

    fn around_denoiser<'a>(&self, inner: Belief<'a>, over: &Context<'_>) -> Result<Belief<'a>, BoxError> {
        Ok(self.wrapped.around_denoiser(inner, over)?)
    }

    fn around_solver(&self, inner: Box<dyn Solver<4>>, over: &Context<'_>) -> Result<Box<dyn Solver<4>>, BoxError> {
        Ok(self.wrapped.around_solver(inner, over)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::slots::{SOLVERS, SPACINGS};

    #[test]
    fn published_solvers_have_the_same_names_here() {
        let published = SOLVERS.iter().filter_map(|row| PublishedSolver::named(row.name, 0.0));
        assert_eq!(published.count(), 14);
        let asked = asked(&Methods::standard(), &"ddim:eta=0.5".parse().unwrap());
        assert_eq!((asked.text.as_str(), asked.published), ("ddim:eta=0.5", PublishedSolver::named("ddim", 0.5)));
    }

    #[test]
    fn placings_have_the_same_names_here() {
        for row in SPACINGS {
            assert_eq!(placing(&Method::named(row.name)).unwrap().to_string(), row.name);
        }
    }
}
