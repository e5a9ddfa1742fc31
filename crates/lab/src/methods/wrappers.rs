//! What stands between a network and a solver, by name.

use super::{Context, Method, MethodError, Parameter, Values};
use undrift_denoisers::{ClipX0, DenoiseError, Denoiser};
use undrift_samplers::{EpsilonScaling, Solver, TimeShift};

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
pub const WRAPPERS: &[WrapperRow] = &[
    WrapperRow {
        name: "clip",
        about: "clips x0 to [-1, 1], as DDPM's authors do while sampling",
        parameters: &[],
        wrap: Wrap::Belief(|_, _, inner| Ok(Box::new(ClipX0(inner)))),
    },
    WrapperRow {
        name: "epsilon-scaling",
        about: "divides eps by k i + b, where i counts levels from 0 at the clean end (Ning et al. 2024, arXiv:2308.15321)",
        parameters: &[
            Parameter { name: "b", default: None, about: "scale at the clean end, above 0; 1 with k = 0 is neutral" },
            Parameter { name: "k", default: Some(0.0), about: "growth per level" },
        ],
        wrap: Wrap::Belief(|values, context, inner| {
            let scaled = EpsilonScaling::linear(inner, context.grid, values.number("k"), values.number("b"));
            Ok(Box::new(scaled.map_err(refused("epsilon-scaling"))?))
        }),
    },
    WrapperRow {
        name: "time-shift",
        about: "asks the network at the time whose noise is nearest to what each sample has (Li et al. 2024, \
                arXiv:2305.15583)",
        parameters: &[
            Parameter { name: "window", default: None, about: "levels of the chain to choose from; 0 is neutral" },
            Parameter {
                name: "cutoff",
                default: None,
                about: "t_c, level of the chain up to which nothing is shifted",
            },
        ],
        wrap: Wrap::Belief(|values, context, inner| {
            let (window, cutoff) = (values.count("window")?, values.count("cutoff")?);
            let shifted = TimeShift::new(inner, context.chain, context.grid, window, cutoff);
            Ok(Box::new(shifted.map_err(refused("time-shift"))?))
        }),
    },
];

fn refused(method: &'static str) -> impl Fn(DenoiseError) -> MethodError {
    move |source| MethodError::Refused { method: method.to_owned(), why: source.to_string() }
}

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
