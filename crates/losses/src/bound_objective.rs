//! The objective of the variational bound.

use burn::tensor::Tensor;
use undrift_denoisers::Variance;

use crate::{Ask, Corruption, LossError, Objective, variational_bound};

/// One term of the variational bound at each sample's level, [`variational_bound`].
#[derive(Clone, Copy, Debug)]
pub struct Bound<C> {
    /// How inputs are made.
    pub corruption: C,
    /// The variance of the model's steps.
    pub variance: Variance,
}

impl<const D: usize, C: Corruption<D>> Objective<D> for Bound<C> {
    fn loss(&mut self, ask: Ask<'_, D>) -> Result<Tensor<1>, LossError> {
        let (spans, mut noise) = (ask.spans()?, ask.noise());
        variational_bound(&ask.model, self.variance, &self.corruption, ask.x0, &spans, &mut noise)
    }
}
