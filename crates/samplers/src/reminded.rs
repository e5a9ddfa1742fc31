//! A model that is reminded of what it believed before.

use std::cell::RefCell;

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, Prediction, Question};

/// A model during one step, which hears at each question what was believed before it: at the step's first question
/// the belief of the step before, and inside the step that first answer.
///
/// A question that carries a belief already keeps it. The answers are the model's own.
pub struct Reminded<'a, const D: usize> {
    model: &'a dyn Denoiser<D>,
    before: RefCell<Option<Prediction<D>>>,
}

impl<'a, const D: usize> Reminded<'a, D> {
    /// A model that believed in `before` in the step before; `None` at the first step.
    pub fn new(model: &'a dyn Denoiser<D>, before: Option<Prediction<D>>) -> Self {
        Reminded { model, before: RefCell::new(before) }
    }
}

impl<const D: usize> Denoiser<D> for Reminded<'_, D> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        if at.before().is_some() {
            return self.model.predict(x, at);
        }
        let before = self.before.borrow().clone();
        let answer = self.model.predict(x, &at.clone().after(before))?;
        if !at.is_stage() {
            self.before.replace(Some(answer.clone()));
        }
        Ok(answer)
    }
}
