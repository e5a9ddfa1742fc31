//! The objective of a squared error.

use burn::tensor::Tensor;
use undrift_denoisers::Levels;

use crate::{Ask, Corruption, LossError, Objective, Weigh, squared_error};

/// [`squared_error`] at each sample's level, weighed: `L_simple` for an eps model with uniform weights
/// (Ho et al. 2020, arXiv:2006.11239, algorithm 1).
#[derive(Clone, Copy, Debug, Default)]
pub struct Simple<C, W> {
    /// How inputs are made.
    pub corruption: C,
    /// How much the error at a level counts.
    pub weighting: W,
}

impl<const D: usize, C: Corruption<D>, W: Weigh> Objective<D> for Simple<C, W> {
    fn loss(&mut self, ask: Ask<'_, D>) -> Result<Tensor<1>, LossError> {
        let mut noise = ask.noise();
        let at = Levels::from(ask.spans()?.iter().map(|span| span.from()).collect::<Vec<_>>());
        let errors = squared_error(&ask.model, &self.corruption, ask.x0, &at, &mut noise)?;
        self.weighting.weigh(errors, &ask.model.parameterisation, &at)
    }
}
