//! The solvers by name.

use super::{Context, Method, MethodError, Parameter, Values};
use undrift_denoisers::Variance;
use undrift_samplers::{Ancestral, Solver};

/// One solver: its name on the command line and in recipes, and how it is built.
pub struct SolverRow {
    /// Its name.
    pub name: &'static str,
    /// What it is and where it is from.
    pub about: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    build: fn(&Values, &Context<'_>) -> Result<Box<dyn Solver<4>>, MethodError>,
}

/// Every solver; a new one is one row more.
pub const SOLVERS: &[SolverRow] = &[
    SolverRow {
        name: "ddpm",
        about: "ancestral sampling with the row's own variance (Ho et al. 2020, arXiv:2006.11239, algorithm 2)",
        parameters: &[],
        build: |_, context| Ok(Box::new(Ancestral { variance: context.variance })),
    },
    SolverRow {
        name: "ddpm-small",
        about: "ancestral sampling with the variance beta_tilde",
        parameters: &[],
        build: |_, _| Ok(Box::new(Ancestral { variance: Variance::FixedSmall })),
    },
    SolverRow {
        name: "ddpm-large",
        about: "ancestral sampling with the variance beta of each jump, the sigma-hat of DDIM's table 1 \
                (Song, Meng, Ermon 2020, arXiv:2010.02502)",
        parameters: &[],
        build: |_, _| Ok(Box::new(Ancestral { variance: Variance::FixedLarge })),
    },
];

/// The solver that `method` names.
pub(super) fn solver(method: &Method, context: &Context<'_>) -> Result<Box<dyn Solver<4>>, MethodError> {
    let row = SOLVERS.iter().find(|row| row.name == method.name).ok_or_else(|| MethodError::Unknown {
        kind: "solver",
        name: method.name.clone(),
        known: SOLVERS.iter().map(|row| row.name).collect::<Vec<_>>().join(", "),
    })?;
    (row.build)(&Values::of(method, row.parameters)?, context)
}
