//! An objective with a penalty on the network's slope.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use undrift_denoisers::Levels;

use crate::{Ask, Corruption, LossError, Objective, PENALTY_STEP, gradient_penalty};

/// An objective plus `lambda` times [`gradient_penalty`] at the very inputs that it has been asked about: the same levels,
/// noise and dropout masks. A `lambda` of 0 is the objective inside, bit for bit, and asks nothing more.
#[derive(Clone, Copy, Debug)]
pub struct Penalised<O, C> {
    /// The objective.
    pub inner: O,
    /// How its inputs are made.
    pub corruption: C,
    /// Strength of the penalty, not negative.
    pub lambda: f64,
}

impl<const D: usize, O: Objective<D>, C: Corruption<D>> Objective<D> for Penalised<O, C> {
    fn loss(&mut self, ask: Ask<'_, D>) -> Result<Tensor<1>, LossError> {
        if !(self.lambda >= 0.0 && self.lambda.is_finite()) {
            return Err(LossError::Penalty { lambda: self.lambda });
        }
        if self.lambda == 0.0 {
            return self.inner.loss(ask);
        }
        let losses = self.inner.loss(ask.clone())?;
        let at = Levels::from(ask.spans()?.iter().map(|span| span.from()).collect::<Vec<_>>());
        let mut noise = ask.noise();
        let x = self.corruption.corrupt(&ask.model, &ask.x0, &at, &mut noise)?.x;
        Ok(losses + gradient_penalty(&ask.model, x, &at, PENALTY_STEP, &mut noise)? * self.lambda)
    }

    fn state(&self) -> BTreeMap<String, String> {
        self.inner.state()
    }

    fn restore(&mut self, state: &BTreeMap<String, String>) -> Result<(), LossError> {
        self.inner.restore(state)
    }
}
