//! How samples are drawn, ready to run.

use crate::RunError;
use undrift_denoisers::Denoiser;
use undrift_samplers::Solver;
use undrift_schedules::Grid;

/// Levels to visit, a solver, and what is done to the network's belief on the way.
pub trait Sampler {
    /// The levels that it visits.
    fn grid(&self) -> &Grid;

    /// The solver.
    fn solver(&self) -> &dyn Solver<4>;

    /// The network's belief inside all wrappers.
    ///
    /// # Errors
    /// [`RunError::Sampler`] for a wrapper that does not fit.
    fn denoiser<'a>(&self, network: Box<dyn Denoiser<4> + 'a>) -> Result<Box<dyn Denoiser<4> + 'a>, RunError>;
}
