//! How the learning rate falls in the course of a run.

use std::f64::consts::PI;

use crate::TrainError;
use crate::error::within;

/// How the learning rate falls in the course of a run, beside its warm-up: what its full value is multiplied by.
///
/// Steps count from the first of the run, the warm-up among them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RateDecay {
    /// It does not.
    #[default]
    Constant,
    /// Half a cosine from 1 at step 0 to `floor` at step `steps`, and `floor` from there on:
    /// `floor + (1 - floor) (1 + cos(pi step / steps)) / 2`.
    ///
    /// This is PyTorch's `CosineAnnealingLR` up to its `T_max`, after which that one rises again.
    ///
    /// Source: Loshchilov, Hutter 2017, arXiv:1608.03983, equation 5 without restarts.
    Cosine {
        /// Steps until it has fallen, at least 1.
        steps: u64,
        /// Share of the learning rate that is left, in [0, 1].
        floor: f64,
    },
    /// `1 / sqrt(max(step / reference, 1))`: full until step `reference`, half of it at four times that.
    ///
    /// Source: Karras et al. 2024, arXiv:2312.02696, code (`learning_rate_schedule`).
    InverseRoot {
        /// Steps until it begins to fall, at least 1; EDM2 has 35,000 or 70,000.
        reference: u64,
    },
}

impl RateDecay {
    /// Share of the learning rate at step `step`, counted from 0; in [0, 1].
    pub fn share(self, step: u64) -> f64 {
        match self {
            RateDecay::Constant => 1.0,
            RateDecay::Cosine { steps, floor } => {
                let done = (step as f64 / steps as f64).min(1.0);
                floor + (1.0 - floor) * (1.0 + (PI * done).cos()) / 2.0
            }
            RateDecay::InverseRoot { reference } => 1.0 / (step as f64 / reference as f64).max(1.0).sqrt(),
        }
    }

    pub(crate) fn check(self) -> Result<(), TrainError> {
        match self {
            RateDecay::Constant => Ok(()),
            RateDecay::Cosine { steps, floor } => {
                within("floor of the cosine", floor, "in [0, 1]", (0.0..=1.0).contains(&floor))?;
                within("steps of the cosine", steps as f64, "at least 1", steps > 0)
            }
            RateDecay::InverseRoot { reference } => {
                within("reference of the inverse root", reference as f64, "at least 1", reference > 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `eta_min + (eta_max - eta_min) (1 + cos(pi t / T_max)) / 2` of PyTorch at 0, 1/3, 1/2, 2/3 and all of the way.
    #[test]
    fn the_cosine_is_that_of_pytorch_and_stays_down() {
        let decay = RateDecay::Cosine { steps: 600, floor: 0.1 };
        for (step, share) in [(0, 1.0), (200, 0.775), (300, 0.55), (400, 0.325), (600, 0.1), (900, 0.1)] {
            assert!((decay.share(step) - share).abs() < 1e-15, "step {step}");
        }
    }

    #[test]
    fn the_inverse_root_halves_at_four_times_its_reference() {
        let decay = RateDecay::InverseRoot { reference: 50 };
        assert_eq!([0, 50, 200, 450, 5000].map(|step| decay.share(step)), [1.0, 1.0, 0.5, 1.0 / 3.0, 0.1]);
    }

    #[test]
    fn a_decay_of_no_steps_is_refused() {
        let decays = [
            (RateDecay::Cosine { steps: 0, floor: 0.0 }, "steps of the cosine"),
            (RateDecay::Cosine { steps: 1, floor: f64::NAN }, "floor of the cosine"),
            (RateDecay::InverseRoot { reference: 0 }, "reference"),
        ];
        for (decay, name) in decays {
            let error = decay.check().unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
