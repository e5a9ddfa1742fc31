//! The wrapper that clips x0 to the range of the data.

use burn::tensor::Tensor;

use crate::{DenoiseError, Denoiser, Prediction, Question};

/// A denoiser whose x0 is clipped to [-1, 1], the range of the data (Ho et al. 2020, arXiv:2006.11239).
///
/// The paper does not mention it; the authors' code clips while sampling and while it evaluates the bound, not
/// while it trains. eps follows from the clipped x0. See [`Prediction::clip_x0`] for mu_tilde.
#[derive(Clone, Copy, Debug)]
pub struct ClipX0<M>(pub M);

impl<const D: usize, M: Denoiser<D>> Denoiser<D> for ClipX0<M> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        Ok(self.0.predict(x, at)?.clip_x0(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{bits, rows, values};
    use crate::{Eps, OutputVariance, Preconditioned, X0};
    use undrift_schedules::{Chain, Level};

    fn level(alpha_bar: f64) -> Levels {
        Levels::from(Level::vp(alpha_bar, 0.0).expect("valid"))
    }

    #[test]
    fn clips_to_the_range_of_the_data_and_eps_follows() {
        let network = |x: Tensor<2>, _: Tensor<1>| x;
        let model = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
        let belief = ClipX0(&model).predict(rows([[2.0, -3.0, 0.5]]), &Question::from(&level(0.64))).expect("fits");
        assert_eq!(values(&belief.x0()), [1.0, -1.0, 0.5]);
        let expected = [(2.0 - 0.8) / 0.6, (-3.0 + 0.8) / 0.6, (0.5 - 0.4) / 0.6];
        assert!(values(&belief.eps()).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn a_belief_within_the_range_stays_bit_for_bit() {
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.25;
        let model = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
        let x = rows([[2.0, -3.0, 0.3]]);
        let plain = model.predict(x.clone(), &Question::from(&level(0.5))).expect("fits");
        let clipped = ClipX0(&model).predict(x, &Question::from(&level(0.5))).expect("fits");
        assert_eq!(bits(&clipped.x0()), bits(&plain.x0()));
        assert_eq!(bits(&clipped.eps()), bits(&plain.eps()));
    }

    #[test]
    fn an_error_passes_through() {
        let network = |x: Tensor<2>, _: Tensor<1>| x;
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let last = Chain::jsd(4).expect("valid").last();
        let refused = ClipX0(model).predict(rows([[2.0]]), &Question::from(last)).unwrap_err();
        assert_eq!(refused, DenoiseError::NoSignal { time: last.time() });
    }
}
