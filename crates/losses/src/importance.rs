//! An objective whose levels are drawn by their past losses.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use undrift_denoisers::column;
use undrift_noise::index;

use crate::{Ask, DrawnLevel, LossError, LossSecondMoment, Objective};

/// An objective at levels that are drawn in proportion to the root mean square of its last losses there, and weighed so
/// that its expectation stays that of uniform levels: [`LossSecondMoment`] around the objective
/// (Nichol and Dhariwal 2021, arXiv:2102.09672, section 3.3).
///
/// The losses kept are those of the objective inside, all of it. They are this objective's state.
#[derive(Clone, Debug)]
pub struct Importance<O> {
    /// The objective.
    pub inner: O,
    /// The losses that it has had.
    pub past: LossSecondMoment,
}

/// Name of the past losses in a checkpoint.
const PAST: &str = "past_losses";

/// Numbers in [0, 1) are drawn as so many equal parts.
const PARTS: usize = 1 << 53;

impl<O> Importance<O> {
    /// The objective before its first batch over a chain of `steps` levels, with the published constants.
    ///
    /// # Errors
    /// [`LossError::NoLevels`] for 0.
    pub fn new(inner: O, steps: usize) -> Result<Self, LossError> {
        Ok(Importance { inner, past: LossSecondMoment::new(steps)? })
    }

    fn record(&mut self, drawn: &[DrawnLevel], losses: Tensor<1>) -> Result<(), LossError> {
        let losses = losses.detach().try_into_vec_as::<f64>()?;
        // A loss that is not finite ends the training when its gradient is looked at; it is no past to learn from.
        let finite = drawn.iter().zip(losses).filter(|(_, loss)| loss.is_finite());
        finite.into_iter().try_for_each(|(drawn, loss)| self.past.record(drawn.t, loss))
    }
}

impl<const D: usize, O: Objective<D>> Objective<D> for Importance<O> {
    fn loss(&mut self, ask: Ask<'_, D>) -> Result<Tensor<1>, LossError> {
        let (levels, key) = (self.past.distribution(), ask.levels_key());
        let draw = |sample| levels.draw(index(key, sample, 0, PARTS) as f64 / PARTS as f64);
        let drawn = ask.samples().map(draw).collect::<Result<Vec<DrawnLevel>, _>>()?;
        let losses = self.inner.loss(Ask { ts: Some(drawn.iter().map(|drawn| drawn.t).collect()), ..ask })?;
        self.record(&drawn, losses.clone())?;
        let weights: Vec<f64> = drawn.iter().map(|drawn| drawn.weight).collect();
        Ok(losses.clone() * column(&weights, &losses))
    }

    fn state(&self) -> BTreeMap<String, String> {
        let text = serde_json::to_string(self.past.history()).expect("numbers have a JSON form");
        let own = (PAST.to_owned(), text);
        self.inner.state().into_iter().chain([own]).collect()
    }

    fn restore(&mut self, state: &BTreeMap<String, String>) -> Result<(), LossError> {
        let damaged = |why: String| LossError::State { entry: PAST, why };
        let text = state.get(PAST).ok_or_else(|| damaged("there is none".to_owned()))?;
        let history = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        self.past = self.past.clone().with_history(history)?;
        self.inner.restore(state)
    }
}
