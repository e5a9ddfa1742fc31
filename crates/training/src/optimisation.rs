//! The settings of an update: optimiser, warm-up, clipping, average.

use crate::error::within;
use crate::{Adam, Ema, RateDecay, TrainError};

/// All that turns a gradient into the next weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimisation {
    /// The optimiser and its learning rate.
    pub adam: Adam,
    /// Number of steps over which the learning rate rises linearly; 0 for none.
    pub warm_up: u64,
    /// How the learning rate falls after and beside that.
    pub decay: RateDecay,
    /// Largest norm of the gradient over all parameters together; `None` for no limit.
    pub clip: Option<f64>,
    /// `lambda` of the penalty `lambda |W|^2` on all weights that the loss depends on, not negative; 0 for none.
    ///
    /// Its gradient `2 lambda W` joins that of the loss before the norm is clipped and before Adam, so that it is a
    /// part of the loss and not AdamW's decoupled decay (half of `weight_decay` in PyTorch's Adam): the weight decay
    /// that Ning et al. 2023, arXiv:2301.11706, compare input perturbation with. The reported loss leaves it out.
    pub weight_penalty: f64,
    /// The moving average of the weights.
    pub ema: Ema,
}

impl Optimisation {
    /// DDPM's settings for CIFAR-10: learning rate 2e-4 after 5000 steps of warm-up, gradient norm at
    /// most 1, averaging with 0.9999 (Ho, Jain and Abbeel 2020, arXiv:2006.11239, appendix B, and code).
    ///
    /// The authors' code clips the gradient of each of eight shards of a batch on its own before it adds
    /// them; here the gradient of the whole batch is clipped once, which is less often active.
    pub fn ddpm_cifar10() -> Self {
        Optimisation { warm_up: 5000, clip: Some(1.0), ..Optimisation::constant(2e-4) }
    }

    /// Adam at one learning rate, without warm-up or clipping, averaging with 0.9999.
    pub fn constant(learning_rate: f64) -> Self {
        Optimisation {
            adam: Adam::new(learning_rate),
            warm_up: 0,
            decay: RateDecay::Constant,
            clip: None,
            weight_penalty: 0.0,
            ema: Ema::new(0.9999),
        }
    }

    /// Learning rate of step `step`, counted from 0: `learning_rate * min(step / warm_up, 1)` times the share that its
    /// decay leaves.
    ///
    /// The count is that of the updates already made, as in DDPM's code, so that the very first update
    /// has rate 0: it fills Adam's moments and leaves the weights alone.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let risen = if step >= self.warm_up { 1.0 } else { step as f64 / self.warm_up as f64 };
        self.adam.learning_rate * risen * self.decay.share(step)
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range of the first that is outside.
    pub fn check(&self) -> Result<(), TrainError> {
        let Adam { learning_rate, beta_1, beta_2, epsilon, weight_decay } = self.adam;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        within("learning_rate", learning_rate, "positive", positive(learning_rate))?;
        within("beta_1", beta_1, "in [0, 1)", (0.0..1.0).contains(&beta_1))?;
        within("beta_2", beta_2, "in [0, 1)", (0.0..1.0).contains(&beta_2))?;
        within("epsilon", epsilon, "positive", positive(epsilon))?;
        let falls = weight_decay >= 0.0 && weight_decay.is_finite();
        within("weight_decay", weight_decay, "finite and not negative", falls)?;
        self.decay.check()?;
        let clip = self.clip.unwrap_or(1.0);
        within("clip", clip, "positive", positive(clip))?;
        let penalty = self.weight_penalty;
        within("weight_penalty", penalty, "finite and not negative", penalty >= 0.0 && penalty.is_finite())?;
        self.ema.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_starts_at_zero_and_ends_at_the_rate() {
        let paper = Optimisation::ddpm_cifar10();
        for (step, rate) in [(0, 0.0), (1, 4e-8), (2500, 1e-4), (4999, 1.9996e-4), (5000, 2e-4), (800_000, 2e-4)] {
            assert!((paper.learning_rate(step) - rate).abs() < 1e-18, "step {step}");
        }
        assert_eq!(Optimisation::constant(0.1).learning_rate(0), 0.1);
        let edm2 = Optimisation { decay: RateDecay::InverseRoot { reference: 5000 }, ..paper };
        for (step, rate) in [(2500, 1e-4), (5000, 2e-4), (20_000, 1e-4)] {
            assert!((edm2.learning_rate(step) - rate).abs() < 1e-18, "step {step}");
        }
    }

    #[test]
    fn impossible_settings_are_named() {
        let base = Optimisation::ddpm_cifar10();
        assert!(base.check().is_ok());
        let adam = base.adam;
        for (wrong, name) in [
            (Optimisation { adam: Adam { learning_rate: 0.0, ..adam }, ..base }, "learning_rate"),
            (Optimisation { adam: Adam { learning_rate: f64::NAN, ..adam }, ..base }, "learning_rate"),
            (Optimisation { adam: Adam { beta_1: 1.0, ..adam }, ..base }, "beta_1"),
            (Optimisation { adam: Adam { beta_2: -0.1, ..adam }, ..base }, "beta_2"),
            (Optimisation { adam: Adam { epsilon: 0.0, ..adam }, ..base }, "epsilon"),
            (Optimisation { adam: Adam { weight_decay: -0.1, ..adam }, ..base }, "weight_decay"),
            (Optimisation { decay: RateDecay::InverseRoot { reference: 0 }, ..base }, "reference"),
            (Optimisation { clip: Some(-1.0), ..base }, "clip"),
            (Optimisation { weight_penalty: -1e-4, ..base }, "weight_penalty"),
            (Optimisation { weight_penalty: f64::NAN, ..base }, "weight_penalty"),
            (Optimisation { ema: Ema::new(1.5), ..base }, "decay of the moving average"),
        ] {
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
