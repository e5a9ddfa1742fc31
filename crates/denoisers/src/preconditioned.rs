//! From a raw network to a denoiser.

use burn::tensor::{Tensor, TensorData};

use crate::affine::affine;
use crate::{DenoiseError, Denoiser, LearnedVariance, Levels, Network, Parameterisation, Prediction, Question};

/// A raw network made into a [`Denoiser`] by saying what its output means.
#[derive(Clone, Debug)]
pub struct Preconditioned<N, P> {
    /// The raw network.
    pub network: N,
    /// What (the first half of) its output means.
    pub parameterisation: P,
    /// What the second half of its channels is.
    pub variance: OutputVariance,
}

/// What the second half of a network's output channels (dimension 1) is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputVariance {
    /// There is no second half.
    #[default]
    None,
    /// The log-variance itself (Ho et al. 2020, arXiv:2006.11239, table 2, "learned diagonal Sigma").
    LogVariance,
    /// A position between the logarithms of beta_tilde (-1) and beta (1)
    /// (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 15).
    Range,
}

impl<N, P: Parameterisation> Preconditioned<N, P> {
    /// The part of the network's output that is the belief, `F(c_in * x; c_noise)` without variance channels;
    /// training compares it with [`target`](Self::target).
    ///
    /// # Shapes
    /// That of `x`.
    ///
    /// # Errors
    /// [`DenoiseError::LevelCount`], [`DenoiseError::OutputShape`] or [`DenoiseError::NoVarianceChannels`] for
    /// shapes that do not fit, and what the network refuses.
    pub fn output<const D: usize>(&self, x: Tensor<D>, at: &Levels) -> Result<Tensor<D>, DenoiseError>
    where
        N: Network<D>,
    {
        self.halves(x, at).map(|(belief, _)| belief)
    }

    /// What the output would be if the model were right about `x = signal * x0 + noise * eps`.
    ///
    /// For [`Eps`](crate::Eps) this is `eps`, for [`X0`](crate::X0) `x0`, bit for bit.
    ///
    /// # Shapes
    /// `x0` and `eps` have one shape, the result too.
    ///
    /// # Errors
    /// [`DenoiseError::LevelCount`], [`DenoiseError::OutputShape`] for shapes that do not fit, and what the
    /// parameterisation finds wrong with a level.
    pub fn target<const D: usize>(
        &self,
        x0: Tensor<D>,
        eps: Tensor<D>,
        at: &Levels,
    ) -> Result<Tensor<D>, DenoiseError> {
        at.check(&x0)?;
        if eps.dims() != x0.dims() {
            return Err(DenoiseError::OutputShape { expected: x0.dims().to_vec(), found: eps.dims().to_vec() });
        }
        let mix = at.iter().map(|level| self.parameterisation.target_of(level)).collect::<Result<Vec<_>, _>>()?;
        Ok(affine(&mix, &x0, &eps))
    }

    fn halves<const D: usize>(&self, x: Tensor<D>, at: &Levels) -> Result<Halves<D>, DenoiseError>
    where
        N: Network<D>,
    {
        at.check(&x)?;
        let expected = x.dims();
        let output = self.network.forward(self.entrance(&x, at), self.time(&x, at))?;
        let (belief, variance) = self.variance.split(output)?;
        if belief.dims() != expected {
            return Err(DenoiseError::OutputShape { expected: expected.to_vec(), found: belief.dims().to_vec() });
        }
        Ok((belief, variance))
    }

    fn entrance<const D: usize>(&self, x: &Tensor<D>, at: &Levels) -> Tensor<D> {
        if at.iter().all(|level| self.parameterisation.c_in(level) == 1.0) {
            return x.clone();
        }
        x.clone() * at.column(x, |level| self.parameterisation.c_in(level))
    }

    fn time<const D: usize>(&self, x: &Tensor<D>, at: &Levels) -> Tensor<1> {
        let labels: Vec<f64> = at.iter().map(|level| self.parameterisation.c_noise(level)).collect();
        let entries = [labels.len()];
        Tensor::from_data(TensorData::new(labels, entries), (&x.device(), x.dtype()))
    }
}

impl<const D: usize, N: Network<D>, P: Parameterisation> Denoiser<D> for Preconditioned<N, P> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        let (belief, variance) = self.halves(x.clone(), at)?;
        let prediction = Prediction::from_output(x, belief, at, &self.parameterisation)?;
        Ok(match variance {
            Some(learned) => prediction.with_log_variance(learned),
            None => prediction,
        })
    }
}

/// The two halves of a network's output.
type Halves<const D: usize> = (Tensor<D>, Option<LearnedVariance<D>>);

impl OutputVariance {
    fn split<const D: usize>(self, output: Tensor<D>) -> Result<Halves<D>, DenoiseError> {
        let learned = match self {
            OutputVariance::None => return Ok((output, None)),
            OutputVariance::LogVariance => LearnedVariance::LogVariance,
            OutputVariance::Range => LearnedVariance::Range,
        };
        let shape = output.dims();
        let channels = shape.get(1).copied().unwrap_or(0);
        if channels == 0 || channels % 2 == 1 {
            return Err(DenoiseError::NoVarianceChannels { shape: shape.to_vec() });
        }
        let half = channels / 2;
        Ok((output.clone().narrow(1, 0, half), Some(learned(output.narrow(1, half, half)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, rows, values};
    use crate::{Eps, V, X0};
    use burn::tensor::DType;
    use undrift_schedules::Chain;

    fn level(t: usize) -> undrift_schedules::Level {
        Chain::linear(1000).expect("valid").level(t).expect("in range")
    }

    /// Answers with x plus the label it was given.
    fn labels(x: Tensor<2>, time: Tensor<1>) -> Tensor<2> {
        let entries = time.dims()[0];
        x + time.reshape([entries, 1])
    }

    #[test]
    fn the_network_sees_the_label_once_or_for_each_sample() {
        let model = Preconditioned { network: labels, parameterisation: X0, variance: OutputVariance::None };
        let x = rows([[1.0], [2.0]]);
        let both = Levels::from(vec![level(11), level(701)]);
        assert_eq!(values(&model.output(x.clone(), &both).expect("fits")), [11.0, 702.0]);
        let entries = |time: Tensor<1>| time.dims()[0];
        let counting = |x: Tensor<2>, time: Tensor<1>| x.zeros_like() + entries(time) as f64;
        let model = Preconditioned { network: counting, parameterisation: X0, variance: OutputVariance::None };
        let one = model.predict(x, &Question::from(level(11))).expect("fits");
        assert_eq!(values(&one.x0()), [1.0, 1.0]);
    }

    #[test]
    fn the_network_sees_variance_preserving_x_in_any_coordinates() {
        let network = |x: Tensor<2>, _: Tensor<1>| x;
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let x = rows([[1.0, -2.0]]);
        let edm = level(700).unscaled().expect("has signal");
        let seen = model.output(x.clone() * edm.scale(), &Levels::from(edm)).expect("fits");
        assert!(gap(&seen, &x) < 1e-15);
        let untouched = model.output(x.clone(), &Levels::from(level(700))).expect("fits");
        assert_eq!(bits(&untouched), bits(&x));
    }

    #[test]
    fn the_target_is_what_a_perfect_network_says() {
        let (x0, eps) = (rows([[0.3, -0.9], [0.1, 0.2]]), rows([[1.0, 0.5], [-1.5, 2.0]]));
        let at = Levels::from(vec![level(1), level(900)]);
        let network = |x: Tensor<2>, _: Tensor<1>| x;
        let model = |p| Preconditioned { network, parameterisation: p, variance: OutputVariance::None };
        let eps_target = model(Eps).target(x0.clone(), eps.clone(), &at).expect("fits");
        assert_eq!(bits(&eps_target), bits(&eps));
        let x0_model = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
        assert_eq!(bits(&x0_model.target(x0.clone(), eps.clone(), &at).expect("fits")), bits(&x0));
        let v_model = Preconditioned { network, parameterisation: V, variance: OutputVariance::None };
        let v = eps.clone() * at.column(&x0, |l| l.signal()) - x0.clone() * at.column(&x0, |l| l.noise());
        assert!(gap(&v_model.target(x0.clone(), eps, &at).expect("fits"), &v) < 1e-15);
        let wrong = model(Eps).target(x0, rows([[1.0]]), &at);
        assert!(matches!(wrong, Err(DenoiseError::OutputShape { .. })));
    }

    fn doubled(x: Tensor<2>, _: Tensor<1>) -> Tensor<2> {
        Tensor::cat(vec![x.clone() * 2.0, x * 3.0], 1)
    }

    #[test]
    fn the_second_half_of_the_channels_is_the_variance() {
        let x = rows([[1.0, 2.0]]);
        for variance in [OutputVariance::LogVariance, OutputVariance::Range] {
            let model = Preconditioned { network: doubled, parameterisation: X0, variance };
            let belief = model.predict(x.clone(), &Question::from(level(9))).expect("fits");
            assert_eq!(values(&belief.x0()), [2.0, 4.0]);
            match (variance, belief.learned().expect("has one")) {
                (OutputVariance::LogVariance, LearnedVariance::LogVariance(half))
                | (OutputVariance::Range, LearnedVariance::Range(half)) => assert_eq!(values(half), [3.0, 6.0]),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn outputs_of_another_shape_are_errors() {
        let x = rows([[1.0, 2.0]]);
        let at = Levels::from(level(9));
        let none = Preconditioned { network: doubled, parameterisation: X0, variance: OutputVariance::None };
        assert!(matches!(none.predict(x.clone(), &Question::from(&at)), Err(DenoiseError::OutputShape { .. })));
        let odd = |_: Tensor<2>, _: Tensor<1>| rows([[1.0, 2.0, 3.0]]);
        let odd = Preconditioned { network: odd, parameterisation: X0, variance: OutputVariance::Range };
        let refused = odd.predict(x.clone(), &Question::from(&at)).unwrap_err();
        assert_eq!(refused, DenoiseError::NoVarianceChannels { shape: vec![1, 3] });
        let three = Levels::from(vec![level(1); 3]);
        assert_eq!(
            odd.predict(x, &Question::from(&three)).unwrap_err(),
            DenoiseError::LevelCount { levels: 3, batch: 1 }
        );
    }

    #[test]
    fn constants_follow_the_precision_of_x() {
        let model = Preconditioned { network: labels, parameterisation: V, variance: OutputVariance::None };
        let belief = model.predict(rows([[1.0]]).cast(DType::F32), &Question::from(level(9))).expect("fits");
        assert_eq!((belief.x0().dtype(), belief.v().dtype()), (DType::F32, DType::F32));
    }
}
