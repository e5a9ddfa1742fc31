//! What stands between a network and a solver, by name.

use super::{Context, Method, MethodError, Parameter, Values};
use undrift_denoisers::{ClipX0, Denoiser};
use undrift_samplers::Solver;

/// A belief of this size of tensor.
type Belief<'a> = Box<dyn Denoiser<4> + 'a>;
/// A solver of this size of tensor.
type Steps = Box<dyn Solver<4>>;

/// What a wrapper wraps.
pub enum Wrap {
    /// The network's belief.
    Belief(for<'a> fn(&Values, &Context<'_>, Belief<'a>) -> Result<Belief<'a>, MethodError>),
    /// The solver, for methods that remember earlier steps.
    Solver(fn(&Values, &Context<'_>, Steps) -> Result<Steps, MethodError>),
}

/// One wrapper: its name on the command line and in recipes, and how it is built.
pub struct WrapperRow {
    /// Its name.
    pub name: &'static str,
    /// What it is and where it is from.
    pub about: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    wrap: Wrap,
}

/// Every wrapper; a new one is one row more.
pub const WRAPPERS: &[WrapperRow] = &[WrapperRow {
    name: "clip",
    about: "clips x0 to [-1, 1], as DDPM's authors do while sampling",
    parameters: &[],
    wrap: Wrap::Belief(|_, _, inner| Ok(Box::new(ClipX0(inner)))),
}];

/// A wrapper with its values.
pub(super) struct Wrapped {
    row: &'static WrapperRow,
    values: Values,
}

impl Wrapped {
    pub(super) fn new(method: &Method) -> Result<Self, MethodError> {
        let row = WRAPPERS.iter().find(|row| row.name == method.name).ok_or_else(|| MethodError::Unknown {
            kind: "wrapper",
            name: method.name.clone(),
            known: WRAPPERS.iter().map(|row| row.name).collect::<Vec<_>>().join(", "),
        })?;
        Ok(Wrapped { row, values: Values::of(method, row.parameters)? })
    }

    pub(super) fn around_denoiser<'a>(
        &self,
        inner: Belief<'a>,
        context: &Context<'_>,
    ) -> Result<Belief<'a>, MethodError> {
        match self.row.wrap {
            Wrap::Belief(wrap) => wrap(&self.values, context, inner),
            Wrap::Solver(_) => Ok(inner),
        }
    }

    pub(super) fn around_solver(&self, inner: Steps, context: &Context<'_>) -> Result<Steps, MethodError> {
        match self.row.wrap {
            Wrap::Belief(_) => Ok(inner),
            Wrap::Solver(wrap) => wrap(&self.values, context, inner),
        }
    }
}
