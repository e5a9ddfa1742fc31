//! A network that is told what it believed before.

use burn::tensor::Tensor;

use crate::{DenoiseError, Denoiser, Network, Parameterisation, Preconditioned, Prediction, Question};

/// A raw network that sees, behind its `c_in * x`, the x0 of the belief before as more channels (dimension 1); zeros
/// where there was none (Chen, Zhang, Hinton 2022, arXiv:2208.04202, section 2.2, "self-conditioning").
///
/// The belief before comes with the [`Question`]: a sampler's loop hands on the last step's. Training asks twice for
/// about half of its batches, once without a belief and once after the first answer without its gradient, as in the
/// paper's algorithm 1.
#[derive(Clone, Debug)]
pub struct SelfConditioned<N, P>(
    /// The network, of twice the input channels, and what its output means.
    pub Preconditioned<N, P>,
);

impl<N, P: Parameterisation> SelfConditioned<N, P> {
    /// The part of the network's output that is the belief, as [`Preconditioned::output`].
    ///
    /// # Shapes
    /// That of `x`.
    ///
    /// # Errors
    /// As [`Preconditioned::output`], and [`DenoiseError::OutputShape`] for a belief before about another shape.
    pub fn output<const D: usize>(&self, x: Tensor<D>, at: &Question<D>) -> Result<Tensor<D>, DenoiseError>
    where
        N: Network<D>,
    {
        self.told(&x, at)?.output(x, at)
    }

    /// The network with the belief before captured.
    fn told<const D: usize>(&self, x: &Tensor<D>, at: &Question<D>) -> Result<Told<'_, N, P, D>, DenoiseError> {
        let before = at.before().map_or_else(|| x.zeros_like(), Prediction::x0);
        if before.dims() != x.dims() {
            return Err(DenoiseError::OutputShape { expected: x.dims().to_vec(), found: before.dims().to_vec() });
        }
        let Preconditioned { network, parameterisation, variance } = &self.0;
        Ok(Preconditioned { network: Behind { network, before }, parameterisation, variance: *variance })
    }
}

impl<const D: usize, N: Network<D>, P: Parameterisation> Denoiser<D> for SelfConditioned<N, P> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        self.told(&x, at)?.predict(x, at)
    }
}

/// The same network for one question.
type Told<'a, N, P, const D: usize> = Preconditioned<Behind<'a, N, D>, &'a P>;

/// A network whose input is followed by other channels.
struct Behind<'a, N, const D: usize> {
    network: &'a N,
    before: Tensor<D>,
}

impl<const D: usize, N: Network<D>> Network<D> for Behind<'_, N, D> {
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Result<Tensor<D>, DenoiseError> {
        self.network.forward(Tensor::cat(vec![x, self.before.clone()], 1), time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, rows, values};
    use crate::{ClipX0, OutputVariance, X0};
    use undrift_schedules::Level;

    /// Believes in the first half of what it sees plus twice the second.
    fn model() -> SelfConditioned<impl Network<2>, X0> {
        let network = |x: Tensor<2>, _: Tensor<1>| {
            let channels = x.dims()[1] / 2;
            x.clone().narrow(1, 0, channels) + x.narrow(1, channels, channels) * 2.0
        };
        SelfConditioned(Preconditioned { network, parameterisation: X0, variance: OutputVariance::None })
    }

    #[test]
    fn the_network_sees_the_x0_before_behind_its_own_input() {
        let (model, x) = (model(), rows([[1.0, -3.0], [0.5, 2.0]]));
        let at = Level::edm(1.0, 0.0).expect("valid");
        let scale = 1.0 / 2f64.sqrt();
        let first = model.predict(x.clone(), &Question::from(at)).expect("fits");
        let near = |found: Vec<f64>, expected: [f64; 4]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?} {expected:?}");
        };
        near(values(&first.x0()), [1.0, -3.0, 0.5, 2.0].map(|x| x * scale));
        let told = Prediction::from_x0(x.clone(), rows([[0.1, 0.2], [0.3, 0.4]]), at).expect("fits");
        let question = Question::from(at).after(told);
        let expected = [scale + 0.2, -3.0 * scale + 0.4, 0.5 * scale + 0.6, 2.0 * scale + 0.8];
        near(values(&model.predict(x.clone(), &question).expect("fits").x0()), expected);
        assert_eq!(bits(&model.output(x.clone(), &question).expect("fits")), {
            bits(&model.predict(x, &question).expect("fits").output())
        });
    }

    #[test]
    fn a_wrapper_hands_the_belief_on_and_one_of_another_shape_is_refused() {
        let (model, x) = (ClipX0(model()), rows([[0.2, -0.3]]));
        let at = Level::vp(0.5, 0.0).expect("valid");
        let before = Prediction::from_x0(x.clone(), rows([[0.1, -0.9]]), at).expect("fits");
        let found = values(&model.predict(x.clone(), &Question::from(at).after(before.clone())).expect("fits").x0());
        assert!((found[0] - 0.4).abs() < 1e-15 && found[1] == -1.0, "{found:?}");
        let refused = model.predict(rows([[0.2], [0.1]]), &Question::from(at).after(before)).unwrap_err();
        assert!(matches!(refused, DenoiseError::OutputShape { .. }), "{refused}");
    }
}
