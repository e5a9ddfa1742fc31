//! The stochasticity of Karras, Aittala, Aila and Laine's sampler.

use std::f64::consts::SQRT_2;

use burn::tensor::Tensor;
use undrift_noise::Noise;
use undrift_schedules::{Chain, Labels, Level};

use crate::{Labelling, SampleError};

/// Fresh noise before a step: it raises sigma to `sigma_hat = (1 + gamma) sigma`, from where the step is taken
/// (Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, algorithm 2, lines 4 to 6).
///
/// Nothing is drawn where gamma is 0; the authors' code draws and multiplies by 0.
///
/// The raised level is not on the grid, and a network wants a label for it. On a grid that is labelled with sigma
/// the label is `sigma_hat`; on any other it is an error, unless [`labelled_by`](Self::labelled_by) names the
/// chain that the network was trained on. (The authors round `sigma_hat` to a sigma that the network knows;
/// diffusers asks the network before it churns.)
#[derive(Clone, Debug, PartialEq)]
pub struct Churn {
    gamma: f64,
    s_min: f64,
    s_max: f64,
    s_noise: f64,
    labelling: Labelling,
}

impl Churn {
    /// No fresh noise: the deterministic sampler (algorithm 1).
    pub const NONE: Churn =
        Churn { gamma: 0.0, s_min: 0.0, s_max: f64::INFINITY, s_noise: 1.0, labelling: Labelling::BySigma };

    /// The paper's four numbers, for a grid of `steps` steps: `gamma = min(s_churn / steps, sqrt(2) - 1)` where
    /// `s_min <= sigma <= s_max`, and 0 elsewhere.
    ///
    /// `s_churn` is finite and not negative (0 is no churn); the two sigmas are in order, `s_max` may be infinite;
    /// `s_noise`, the standard deviation of the fresh noise before it is scaled, is finite and not negative
    /// (near 1: 1.003 and 1.007 in the paper).
    ///
    /// # Errors
    /// [`SampleError::Churn`] for a number out of its range.
    pub fn new(s_churn: f64, s_min: f64, s_max: f64, s_noise: f64, steps: usize) -> Result<Self, SampleError> {
        not_negative("S_churn", s_churn)?;
        not_negative("S_min", s_min)?;
        not_negative("S_noise", s_noise)?;
        if s_max.is_nan() || s_max < s_min {
            return Err(SampleError::Churn { name: "S_max", value: s_max, range: "at least S_min" });
        }
        if steps == 0 {
            return Err(SampleError::Churn { name: "N", value: 0.0, range: "the number of steps of the grid" });
        }
        let gamma = (s_churn / steps as f64).min(SQRT_2 - 1.0);
        Ok(Churn { gamma, s_min, s_max, s_noise, labelling: Labelling::BySigma })
    }

    /// The same churn for a network that was trained on `chain`: raised levels are labelled by
    /// [`Chain::label_of`].
    pub fn labelled_by(self, chain: Chain, labels: Labels) -> Self {
        Churn { labelling: Labelling::ByChain(chain, labels), ..self }
    }

    /// `x` and its level after the fresh noise; both as they are, and nothing drawn, where there is none.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]` at `from`, and the result, of the same shape, at the level beside it.
    ///
    /// # Errors
    /// [`SampleError::NoSignal`] at pure noise, whose sigma cannot be raised, [`SampleError::Unlabelled`] for a raised
    /// level without label and [`SampleError::Level`] for one that cannot exist.
    pub fn raise<const D: usize>(
        &self,
        x: Tensor<D>,
        from: Level,
        noise: &mut dyn Noise<D>,
    ) -> Result<(Tensor<D>, Level), SampleError> {
        if from.is_pure_noise() {
            return Err(SampleError::NoSignal { time: from.time() });
        }
        let sigma = from.sigma();
        if self.gamma == 0.0 || !(self.s_min..=self.s_max).contains(&sigma) {
            return Ok((x, from));
        }
        let raised = sigma + self.gamma * sigma;
        let unlabelled = SampleError::Unlabelled { time: from.time(), sigma: raised };
        let hat = self.labelling.level(raised, from)?.ok_or(unlabelled)?;
        let added = (self.gamma * (2.0 + self.gamma)).sqrt() * sigma * self.s_noise;
        let drawn = noise.normal(&x);
        Ok((x * (hat.signal() / from.signal()) + drawn * (hat.signal() * added), hat))
    }
}

fn not_negative(name: &'static str, value: f64) -> Result<(), SampleError> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(SampleError::Churn { name, value, range: "finite and not negative" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, tensor};
    use undrift_noise::{Replay, Zeros};

    fn x() -> Tensor<2> {
        tensor(vec![30.0, -12.0], [1, 2])
    }

    fn z() -> Tensor<2> {
        tensor(vec![0.7, -1.1], [1, 2])
    }

    fn edm(sigma: f64) -> Level {
        Level::edm(sigma, sigma).expect("valid")
    }

    /// Karras et al. 2022, table 5, ImageNet-64: N = 256, S_churn 40, S_min 0.05, S_max 50, S_noise 1.003.
    #[test]
    fn lines_4_to_6_of_algorithm_2() {
        let churn = Churn::new(40.0, 0.05, 50.0, 1.003, 256).expect("valid");
        let (raised, hat) = churn.raise(x(), edm(8.0), &mut Replay::new(vec![z()])).expect("has a label");
        assert_eq!((hat.sigma(), hat.time()), (9.25, 9.25)); // gamma = 40 / 256 = 0.15625
        let added = (9.25f64 * 9.25 - 64.0).sqrt() * 1.003;
        assert!(gap(&raised, &(x() + z() * added)) < 1e-14);
        let most = Churn::new(80.0, 0.0, f64::INFINITY, 1.0, 18).expect("valid");
        let (_, hat) = most.raise(x(), edm(1.0), &mut Zeros).expect("has a label");
        assert!((hat.sigma() - SQRT_2).abs() < 1e-15, "gamma is at most sqrt(2) - 1");
    }

    #[test]
    fn the_range_includes_its_ends_and_nothing_is_drawn_outside() {
        let churn = Churn::new(40.0, 0.05, 50.0, 1.003, 18).expect("valid");
        let mut none = Replay::new(vec![]);
        for sigma in [0.0499, 50.001, 80.0] {
            let (same, level) = churn.raise(x(), edm(sigma), &mut none).expect("nothing to do");
            assert_eq!((bits(&same), level), (bits(&x()), edm(sigma)));
        }
        for sigma in [0.05, 50.0] {
            let (_, hat) = churn.raise(x(), edm(sigma), &mut Zeros).expect("has a label");
            assert!(hat.sigma() > sigma);
        }
        for none in [Churn::NONE, Churn::new(0.0, 0.0, 1e3, 1.0, 4).expect("valid")] {
            let (same, level) = none.raise(x(), edm(3.0), &mut Replay::new(vec![])).expect("nothing to do");
            assert_eq!((bits(&same), level), (bits(&x()), edm(3.0)));
        }
    }

    #[test]
    fn coordinates_do_not_matter() {
        let churn = Churn::new(3.0, 0.0, 1e3, 1.1, 10).expect("valid");
        let vp = Level::vp_of_sigma(3.0, 3.0).expect("valid");
        let (in_edm, high) = churn.raise(x(), edm(3.0), &mut Replay::new(vec![z()])).expect("has a label");
        let scaled = x() * vp.signal();
        let chain = Chain::linear(1000).expect("valid");
        let churn = churn.labelled_by(chain, Labels::Interpolated);
        let (in_vp, low) = churn.raise(scaled, vp, &mut Replay::new(vec![z()])).expect("has a label");
        assert_eq!((low.scale(), high.signal()), (1.0, 1.0));
        assert!((low.sigma() - high.sigma()).abs() < 1e-14);
        assert!(gap(&(in_vp * (1.0 / low.signal())), &in_edm) < 1e-13);
    }

    #[test]
    fn a_raised_level_of_a_chain_has_the_chains_label_or_none() {
        let chain = Chain::linear(1000).expect("valid");
        let churn = Churn::new(1.0, 0.0, 1e3, 1.0, 10).expect("valid");
        let level = chain.level(500).expect("in range");
        let sigma = level.sigma() * 1.1;
        let refused = churn.raise(x(), level, &mut Zeros).unwrap_err();
        assert!(
            matches!(&refused, SampleError::Unlabelled { time: 499.0, sigma: found } if (found - sigma).abs() < 1e-12)
        );
        let labelled = churn.clone().labelled_by(chain.clone(), Labels::Interpolated);
        let (_, hat) = labelled.raise(x(), level, &mut Zeros).expect("within the chain");
        let expected = chain.label_of(hat.sigma(), Labels::Interpolated).expect("within the chain");
        assert_eq!(hat.time(), expected);
        assert!(hat.time() > 499.0 && hat.time() < 530.0, "{}", hat.time());
        let beyond = labelled.raise(x(), chain.last(), &mut Zeros).unwrap_err();
        assert!(matches!(beyond, SampleError::Unlabelled { .. }) && beyond.to_string().contains("S_max"));
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let named = |churn: Result<Churn, SampleError>| match churn.unwrap_err() {
            SampleError::Churn { name, .. } => name,
            other => panic!("{other:?}"),
        };
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(named(Churn::new(-1.0, 0.0, 1.0, 1.0, 5)), "S_churn");
        assert_eq!(named(Churn::new(nan, 0.0, 1.0, 1.0, 5)), "S_churn");
        assert_eq!(named(Churn::new(1.0, inf, inf, 1.0, 5)), "S_min");
        assert_eq!(named(Churn::new(1.0, 0.5, 0.4, 1.0, 5)), "S_max");
        assert_eq!(named(Churn::new(1.0, 0.5, nan, 1.0, 5)), "S_max");
        assert_eq!(named(Churn::new(1.0, 0.0, inf, -0.1, 5)), "S_noise");
        assert_eq!(named(Churn::new(1.0, 0.0, inf, 1.0, 0)), "N");
        let pure = Level::vp(0.0, 9.0).expect("signal 0 is a level");
        assert_eq!(Churn::NONE.raise(x(), pure, &mut Zeros).unwrap_err(), SampleError::NoSignal { time: 9.0 });
    }
}
