//! What a method may look at when it is built.

use undrift_denoisers::Variance;
use undrift_schedules::{Chain, Grid};

/// What a method may look at when it is built.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The chain that the network was trained on.
    pub chain: &'a Chain,
    /// The levels that the sampler visits.
    pub grid: &'a Grid,
    /// The variance of reverse steps that the model was trained for.
    pub variance: Variance,
}
