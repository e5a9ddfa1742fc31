//! The samplers that a study compares.

use crate::{Plan, RunError, Sampler};

/// What is done against exposure bias while sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    /// Nothing.
    Plain,
    /// The outer cure alone.
    Outer,
    /// The inner cure alone, which stands next to the network.
    Inner,
    /// The inner cure as it was best alone, and the outer one searched around it.
    Both,
}

/// The samplers that a study compares; `W` is how a cure with its constants is written by the layer above.
pub trait SamplerGrid<W> {
    /// The solvers as they are written.
    fn solvers(&self) -> Vec<String>;

    /// Numbers of steps that are sampled without a cure.
    fn steps(&self) -> &[usize];

    /// Numbers of steps, of those above, at which the cures are tried as well.
    fn cured_steps(&self) -> &[usize];

    /// The constants among which a cure is searched; those of [`Cure::Both`] are the outer cure's.
    fn choices(&self, cure: Cure) -> Vec<W>;

    /// A cure's name for people.
    fn label(&self, cure: Cure) -> &'static str;

    /// A row's sampler: the solver by its place in the list, and the cures, the one next to the network first.
    fn sampler<'a>(&self, plan: &'a Plan, solver: usize, steps: usize, cures: &[W]) -> NamedSampler<'a>;

    /// A row's sampler that takes real images back: every level below where they were noised to.
    fn back<'a>(&self, plan: &'a Plan, solver: usize) -> NamedSampler<'a>;
}

/// A sampler that can be made, and its name in the files of scores.
pub struct NamedSampler<'a> {
    /// Solver, steps and cures in one line: samplers that agree here are the same one.
    pub text: String,
    /// Makes it.
    pub build: Box<dyn Fn() -> Result<Box<dyn Sampler>, RunError> + 'a>,
}
