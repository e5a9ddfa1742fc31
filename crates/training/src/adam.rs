//! The Adam optimiser on plain tensors.

use burn::tensor::Tensor;
use undrift_kernels::AdamStep;

/// Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1).
///
/// Epsilon is the papers' 1e-8 (Burn's own Adam defaults to 1e-5) and is added to the bias-corrected
/// root, as in the algorithm and in PyTorch. DDPM's code, on TensorFlow, adds it before the correction
/// ("epsilon hat" of section 2), which in the first steps is an epsilon up to 32 times as large. It is
/// written here, on plain tensors, because Burn's optimiser keeps its step count and moments where they
/// cannot be put into one file with the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step size, positive.
    pub learning_rate: f64,
    /// Share of the old first moment, in [0, 1).
    pub beta_1: f64,
    /// Share of the old second moment, in [0, 1).
    pub beta_2: f64,
    /// Added to the root of the second moment, positive.
    pub epsilon: f64,
    /// Decoupled weight decay, not negative; 0 for none, which is Adam.
    ///
    /// Every update first multiplies each weight that the loss depends on by `1 - learning_rate * weight_decay`,
    /// with the learning rate of its step, as PyTorch's AdamW does (whose default is 0.01; Burn's is 1e-4). In the
    /// paper, algorithm 2, the decay lambda is multiplied by the schedule alone: it is `learning_rate * weight_decay`.
    ///
    /// Source: Loshchilov, Hutter 2017, arXiv:1711.05101.
    pub weight_decay: f64,
}

/// Running means of a parameter's gradient and of its square.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    pub(crate) first: Tensor<1>,
    pub(crate) second: Tensor<1>,
}

impl Adam {
    /// The published constants: `beta_1` 0.9, `beta_2` 0.999, epsilon 1e-8.
    pub fn new(learning_rate: f64) -> Self {
        Adam { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// AdamW: Adam with decoupled weight decay.
    ///
    /// Source: Loshchilov, Hutter 2017, arXiv:1711.05101, algorithm 2.
    pub fn decoupled(learning_rate: f64, weight_decay: f64) -> Self {
        Adam { weight_decay, ..Adam::new(learning_rate) }
    }

    /// The weights after decay at this learning rate; untouched without decay.
    pub(crate) fn decayed(&self, weights: Tensor<1>, learning_rate: f64) -> Tensor<1> {
        if self.weight_decay == 0.0 {
            return weights;
        }
        weights * (1.0 - learning_rate * self.weight_decay)
    }

    /// The numbers of update `count`, from 1, whose gradient is to be multiplied by `factor`.
    pub(crate) fn step(&self, count: u64, learning_rate: f64, factor: f64) -> AdamStep {
        AdamStep {
            factor,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            rate: learning_rate * self.correction(self.beta_1, count),
            root: self.correction(self.beta_2, count).sqrt(),
            epsilon: self.epsilon,
        }
    }

    /// `1 / (1 - beta^count)`, which makes up for moments that start at 0.
    fn correction(&self, beta: f64, count: u64) -> f64 {
        1.0 / (1.0 - beta.powf(count as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};
    use undrift_kernels::adam_step;

    /// Four updates of two numbers, one of which has gradients as small as epsilon, computed in Python
    /// from the algorithm as printed.
    #[test]
    fn updates_are_those_of_the_published_algorithm() {
        let adam = Adam::new(0.1);
        let tensor = |values: [f64; 2]| Tensor::<1>::from_data(values, (&Device::flex(), DType::F64));
        let mut moments = [tensor([0.0; 2]), tensor([0.0; 2])];
        let mut x = tensor([1.0, -2.0]);
        let gradients = [[0.5, 1e-8], [-0.25, 3e-8], [2.0, -2e-8], [0.0, 1e-9]];
        for ((gradient, expected), count) in gradients.into_iter().zip(EXPECTED).zip(1..) {
            let step = adam.step(count, adam.learning_rate, 1.0);
            (x, moments) = adam_step(x, moments, tensor(gradient), step);
            for (x, expected) in x.to_data().iter::<f64>().zip(expected) {
                assert!((x - expected).abs() < 1e-14, "update {count}: {x} is not {expected}");
            }
        }
    }

    /// PyTorch's AdamW with rate 0.1 and decay 0.5: `x (1 - 0.1 * 0.5)`, then Adam's update of a gradient that is always
    /// the same, which is 0.1 over `1 + epsilon / |gradient|`.
    #[test]
    fn decay_comes_before_the_update_and_is_no_part_of_the_moments() {
        let adam = Adam::decoupled(0.1, 0.5);
        let tensor = |value: f64| Tensor::<1>::from_data([value], (&Device::flex(), DType::F64));
        let (mut x, mut moments, mut expected) = (tensor(2.0), [tensor(0.0), tensor(0.0)], 2.0);
        for count in 1..=5 {
            x = adam.decayed(x, adam.learning_rate);
            (x, moments) = adam_step(x, moments, tensor(4.0), adam.step(count, adam.learning_rate, 1.0));
            expected = expected * 0.95 - 0.1 / (1.0 + 1e-8 / 4.0);
            let found = x.clone().into_scalar::<f64>();
            assert!((found - expected).abs() < 1e-12, "update {count}: {found} is not {expected}");
        }
    }

    const EXPECTED: [[f64; 2]; 4] = [
        [0.9000000019999999, -2.05],
        [0.8733662987078462, -2.113421036029603],
        [0.8063015345291529, -2.13105113884106],
        [0.7513661605487788, -2.1458270792669554],
    ];
}
