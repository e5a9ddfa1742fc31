//! What stands around a network's belief or around a solver.

use crate::{BoxError, Context, PipelineError};
use undrift_denoisers::{ClipX0Within, Denoiser, DynamicThreshold};
use undrift_samplers::Solver;

/// A belief of images.
pub type Belief<'a> = Box<dyn Denoiser<4> + 'a>;

/// A method that changes what a network believes, or what a solver does with it.
pub trait Wrapper {
    /// Name and parameters, as `clip` or `epsilon-scaling:b=1.01`.
    fn text(&self) -> String;

    /// Whether it clips x0.
    fn clips(&self) -> bool {
        false
    }

    /// Whether it takes the place of the solver.
    fn is_around_solver(&self) -> bool {
        false
    }

    /// The belief inside of it.
    ///
    /// # Errors
    /// Its own, for values that are impossible or do not fit.
    fn around_denoiser<'a>(&self, inner: Belief<'a>, _over: &Context<'_>) -> Result<Belief<'a>, BoxError> {
        Ok(inner)
    }

    /// The solver inside of it.
    ///
    /// # Errors
    /// As [`around_denoiser`](Self::around_denoiser).
    fn around_solver(&self, inner: Box<dyn Solver<4>>, _over: &Context<'_>) -> Result<Box<dyn Solver<4>>, BoxError> {
        Ok(inner)
    }
}

/// Clips x0, as published codes do.
pub(crate) struct Clip {
    /// Largest absolute value.
    pub(crate) range: f64,
}

impl Wrapper for Clip {
    fn text(&self) -> String {
        if self.range == 1.0 { "clip".to_owned() } else { format!("clip:range={}", self.range) }
    }

    fn clips(&self) -> bool {
        true
    }

    fn around_denoiser<'a>(&self, inner: Belief<'a>, _over: &Context<'_>) -> Result<Belief<'a>, BoxError> {
        Ok(Box::new(ClipX0Within::new(inner, self.range).map_err(|why| PipelineError::refused("clip", why))?))
    }
}

/// Brings x0 into range by a quantile of each sample.
pub(crate) struct Threshold {
    /// The quantile.
    pub(crate) ratio: f64,
    /// The largest threshold.
    pub(crate) most: f64,
}

impl Wrapper for Threshold {
    fn text(&self) -> String {
        format!("dynamic-threshold:ratio={},most={}", self.ratio, self.most)
    }

    fn around_denoiser<'a>(&self, inner: Belief<'a>, _over: &Context<'_>) -> Result<Belief<'a>, BoxError> {
        let bounded = DynamicThreshold::new(inner, self.ratio, self.most);
        Ok(Box::new(bounded.map_err(|why| PipelineError::refused("dynamic-threshold", why))?))
    }
}
