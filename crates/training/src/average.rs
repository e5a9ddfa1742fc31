//! A moving average of all weights.

use burn::tensor::Tensor;
use undrift_networks::Trainable;

use crate::Ema;

/// A moving average of all weights, in the network's order.
#[derive(Clone, Debug)]
pub(crate) struct Average {
    pub(crate) ema: Ema,
    pub(crate) values: Vec<Tensor<1>>,
}

impl Average {
    /// The average before the first update: the weights themselves.
    pub(crate) fn new(ema: Ema, values: Vec<Tensor<1>>) -> Self {
        Average { ema, values }
    }

    /// Moves towards `weights`, which update `count` led to.
    pub(crate) fn follow(&mut self, weights: &[Tensor<1>], count: u64) {
        let (ema, averages) = (self.ema, std::mem::take(&mut self.values).into_iter().zip(weights));
        self.values = averages.map(|(average, weight)| ema.averaged(average, weight.clone(), count)).collect();
    }

    /// The network with these weights, without autodiff.
    pub(crate) fn of<M: Trainable>(&self, model: &M) -> M {
        model.without_autodiff().replaced(self.values.clone())
    }
}
