//! Sampling methods by name: one row of a table for each solver and each wrapper that needs nothing but numbers, and
//! nothing anywhere else.
//!
//! A method is written `name` or `name:key=value,key=value`, on the command line and in recipes alike.

mod method;
mod sampler;
mod solvers;
mod trial;
mod values;
mod wrappers;

pub use method::{Method, MethodError};
pub use sampler::{Sampler, SamplerSettings, SpacingName};
pub(crate) use solvers::solver;
pub use solvers::{SOLVERS, SolverRow};
pub use trial::Outputs;
pub use values::{Parameter, Values};
pub(crate) use wrappers::Wrapped;
pub use wrappers::{WRAPPERS, Wrap, WrapperRow};

use undrift_denoisers::Variance;
use undrift_schedules::{Chain, Grid};

/// What a method may ask about the run that it is built for.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The chain that the network was trained on.
    pub chain: &'a Chain,
    /// The levels that the sampler visits.
    pub grid: &'a Grid,
    /// The variance of reverse steps that the row asks for.
    pub variance: Variance,
}

/// All methods as text: name, parameters with their defaults, and what they are.
pub fn listing() -> String {
    let solvers = SOLVERS.iter().map(|row| entry(row.name, row.parameters, row.about));
    let wrappers = WRAPPERS.iter().map(|row| entry(row.name, row.parameters, row.about));
    format!("solvers\n{}wrappers\n{}", solvers.collect::<String>(), wrappers.collect::<String>())
}

fn entry(name: &str, parameters: &[Parameter], about: &str) -> String {
    let lines = parameters.iter().map(|p| format!("      {:<10} {} [{}]\n", p.name, p.about, p.default_text()));
    format!("  {name}\n      {about}\n{}", lines.collect::<String>())
}
