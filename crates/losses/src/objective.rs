//! What a batch of training minimises.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use crate::{Ask, LossError};

/// What a batch of training minimises.
///
/// It may ask the network several times, the averaged one too, and remember what it has seen; what it remembers goes
/// into the checkpoint. A wrapper ([`Penalised`](crate::Penalised), [`Importance`](crate::Importance)) hands on the
/// state of the objective inside beside its own.
pub trait Objective<const D: usize> {
    /// The loss of each sample.
    ///
    /// # Shapes
    /// `[B]`; the caller takes the mean and its gradient.
    ///
    /// # Errors
    /// Whatever the losses and the network answer, and [`LossError::foreign`] with a reason of its own.
    fn loss(&mut self, ask: Ask<'_, D>) -> Result<Tensor<1>, LossError>;

    /// What a checkpoint must keep, by names that no other part of the run uses; nothing by default.
    fn state(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Goes on from what [`state`](Self::state) gave; entries of others are passed over.
    ///
    /// # Errors
    /// [`LossError::State`] for an entry that is missing or damaged.
    fn restore(&mut self, _state: &BTreeMap<String, String>) -> Result<(), LossError> {
        Ok(())
    }
}

impl<const D: usize, O: Objective<D> + ?Sized> Objective<D> for Box<O> {
    fn loss(&mut self, ask: Ask<'_, D>) -> Result<Tensor<1>, LossError> {
        (**self).loss(ask)
    }

    fn state(&self) -> BTreeMap<String, String> {
        (**self).state()
    }

    fn restore(&mut self, state: &BTreeMap<String, String>) -> Result<(), LossError> {
        (**self).restore(state)
    }
}
