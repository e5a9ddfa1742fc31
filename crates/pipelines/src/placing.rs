//! How the steps of a sampler are placed on a chain.

use crate::PipelineError;
use std::fmt;
use undrift_schedules::{Chain, Grid, GridError, Labels, Spacing};

/// A rule that places steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// By timestep.
    Spaced(Spacing),
    /// By the sigmas of Karras et al. 2022, arXiv:2206.00364 (rho 7) between the chain's ends, labels interpolated.
    Karras,
}

/// How a Karras grid bends.
const RHO: f64 = 7.0;

impl Placing {
    /// So many levels of a chain, or all.
    ///
    /// # Errors
    /// [`PipelineError::Refused`] for more steps than levels.
    pub fn grid(self, chain: &Chain, steps: Option<usize>) -> Result<Grid, PipelineError> {
        match (self, steps) {
            (Placing::Karras, steps) => chain.karras(steps.unwrap_or(chain.len()), RHO, Labels::Interpolated),
            (Placing::Spaced(_), None) => Ok(chain.grid()),
            (Placing::Spaced(spacing), Some(steps)) => chain.respace(spacing, steps),
        }
        .map_err(refused)
    }
}

impl fmt::Display for Placing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Placing::Spaced(Spacing::Uniform) => "uniform",
            Placing::Spaced(Spacing::Quadratic) => "quadratic",
            Placing::Spaced(Spacing::Leading) => "leading",
            Placing::Spaced(Spacing::Trailing) => "trailing",
            Placing::Spaced(Spacing::Linspace) => "linspace",
            Placing::Karras => "karras",
        })
    }
}

/// Steps that make no grid.
pub(crate) fn refused(why: GridError) -> PipelineError {
    PipelineError::refused("steps", why)
}
