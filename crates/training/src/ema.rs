//! The exponential moving average of the weights.

use burn::tensor::Tensor;
use undrift_kernels::average_step;

use crate::TrainError;
use crate::error::within;

/// An exponential moving average of the weights, which samples better than the last weights do.
///
/// After every update `average += (1 - decay) * (weights - average)`, starting from the initial weights.
/// DDPM uses 0.9999 (Ho, Jain and Abbeel 2020, arXiv:2006.11239, appendix B) without a ramp; its code
/// copies the weights after the very first update instead of averaging, which is the same, because its
/// warm-up gives that update the learning rate 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ema {
    /// Share of the old average, in [0, 1].
    pub decay: f64,
    /// How the average forgets faster at first; `None` for the same decay always.
    pub ramp: Option<Ramp>,
}

/// A smaller decay for the first updates, for runs that are short beside `1 / (1 - decay)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ramp {
    /// `min(decay, (1 + n) / (10 + n))` at update `n`, counted from 1 (the code of Song et al. 2021,
    /// arXiv:2011.13456).
    ScoreSde,
}

impl Ema {
    /// An average with the same decay always.
    pub fn new(decay: f64) -> Self {
        Ema { decay, ramp: None }
    }

    /// An average that forgets faster at first, as [`Ramp::ScoreSde`] says.
    pub fn ramped(decay: f64) -> Self {
        Ema { decay, ramp: Some(Ramp::ScoreSde) }
    }

    /// The decay of update `count`, counted from 1.
    pub fn decay_at(&self, count: u64) -> f64 {
        match self.ramp {
            None => self.decay,
            Some(Ramp::ScoreSde) => self.decay.min((1.0 + count as f64) / (10.0 + count as f64)),
        }
    }

    pub(crate) fn check(&self) -> Result<(), TrainError> {
        within("decay of the moving average", self.decay, "in [0, 1]", (0.0..=1.0).contains(&self.decay))
    }

    /// The average after update `count`, which led to `weights`.
    pub(crate) fn averaged(&self, average: Tensor<1>, weights: Tensor<1>, count: u64) -> Tensor<1> {
        average_step(average, weights, 1.0 - self.decay_at(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    #[test]
    fn decay_is_constant_without_a_ramp() {
        assert_eq!([1, 10, 1_000_000].map(|n| Ema::new(0.9999).decay_at(n)), [0.9999; 3]);
    }

    #[test]
    fn the_ramp_starts_at_two_elevenths_and_ends_at_the_decay() {
        let ema = Ema::ramped(0.9999);
        assert_eq!([1, 8].map(|n| ema.decay_at(n)), [2.0 / 11.0, 0.5]);
        assert!(ema.decay_at(89_000) < 0.9999);
        assert_eq!(ema.decay_at(90_000), 0.9999);
    }

    #[test]
    fn averages_move_towards_the_weights() {
        let tensor = |value: f64| Tensor::<1>::from_data([value], (&Device::flex(), DType::F64));
        let average = Ema::new(0.75).averaged(tensor(2.0), tensor(4.0), 1);
        assert_eq!(average.into_scalar::<f64>(), 2.5);
    }
}
