//! What a loss may look at.

use std::collections::BTreeMap;

use undrift_networks::Trainable;

use crate::average::Average;

/// What a loss may look at: the network in training, the averages of its weights, and which numbers it is asked for.
#[derive(Debug)]
pub struct Turn<'a, M: Trainable> {
    pub(crate) model: &'a M,
    pub(crate) average: &'a Average,
    pub(crate) others: &'a BTreeMap<String, Average>,
    pub(crate) step: u64,
    pub(crate) part: u64,
    pub(crate) parts: u64,
}

impl<M: Trainable> Clone for Turn<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Trainable> Copy for Turn<'_, M> {}

impl<'a, M: Trainable> Turn<'a, M> {
    /// The network in training, on its autodiff device.
    pub fn model(&self) -> &'a M {
        self.model
    }

    /// The network with the moving average of its weights, without autodiff: a teacher, as consistency training and
    /// self-distillation have it.
    pub fn averaged(&self) -> M {
        self.average.of(self.model)
    }

    /// The network with the average of this name; `None` where there is none.
    pub fn average(&self, name: &str) -> Option<M> {
        self.others.get(name).map(|average| average.of(self.model))
    }

    /// Number of the step, from 0.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Which part of the step's batch this is, from 0.
    pub fn part(&self) -> u64 {
        self.part
    }

    /// Parts of the step's batch.
    pub fn parts(&self) -> u64 {
        self.parts
    }
}
