//! The objective of Improved DDPM's hybrid loss.

use burn::tensor::Tensor;

use crate::{Ask, Corruption, LossError, Objective, hybrid};

/// `L_simple + lambda L_vlb` at each sample's level, [`hybrid`] in one number.
#[derive(Clone, Copy, Debug)]
pub struct HybridBound<C> {
    /// How inputs are made.
    pub corruption: C,
    /// lambda; the paper's is [`Hybrid::LAMBDA`](crate::Hybrid::LAMBDA).
    pub lambda: f64,
}

impl<const D: usize, C: Corruption<D>> Objective<D> for HybridBound<C> {
    fn loss(&mut self, ask: Ask<'_, D>) -> Result<Tensor<1>, LossError> {
        let (spans, mut noise) = (ask.spans()?, ask.noise());
        let parts = hybrid(&ask.model, &self.corruption, ask.x0, &spans, &mut noise)?;
        Ok(parts.total(self.lambda, ask.chain.len()))
    }
}
