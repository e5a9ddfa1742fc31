//! What a raw network must offer to be made a denoiser.

use burn::tensor::Tensor;

use crate::DenoiseError;

/// A raw network: something that maps `x` and the label of its level to an output.
///
/// Closures are networks, so that labels of classes are captured and toys need no type. They cannot refuse; a network
/// that can is a type of its own.
pub trait Network<const D: usize> {
    /// The raw output.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`; `time` has one entry for the whole batch, or one for each sample. The output has
    /// the shape of `x`, or twice its channels (dimension 1) where a variance is learned.
    ///
    /// # Errors
    /// [`DenoiseError::foreign`] with the reason why the network takes no such input.
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Result<Tensor<D>, DenoiseError>;
}

impl<const D: usize, F> Network<D> for F
where
    F: Fn(Tensor<D>, Tensor<1>) -> Tensor<D>,
{
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Result<Tensor<D>, DenoiseError> {
        Ok(self(x, time))
    }
}

impl<const D: usize> Network<D> for &dyn Network<D> {
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Result<Tensor<D>, DenoiseError> {
        (**self).forward(x, time)
    }
}

impl<const D: usize> Network<D> for Box<dyn Network<D>> {
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Result<Tensor<D>, DenoiseError> {
        (**self).forward(x, time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rows;
    use crate::{Denoiser, OutputVariance, Preconditioned, Question, X0};
    use undrift_schedules::Level;

    /// A network for samples of two values.
    struct Pairs;

    impl Network<2> for Pairs {
        fn forward(&self, x: Tensor<2>, _time: Tensor<1>) -> Result<Tensor<2>, DenoiseError> {
            match x.dims()[1] {
                2 => Ok(x),
                found => Err(DenoiseError::foreign("pairs", format!("{found} values in a sample: give two"))),
            }
        }
    }

    #[test]
    fn a_network_may_refuse_its_input() {
        let at = Question::from(Level::vp(0.5, 0.0).expect("valid"));
        let networks: [Box<dyn Network<2>>; 2] = [Box::new(Pairs), Box::new(|x: Tensor<2>, _: Tensor<1>| x)];
        for (refuses, network) in networks.iter().enumerate().map(|(i, network)| (i == 0, network)) {
            let model = Preconditioned { network: &**network, parameterisation: X0, variance: OutputVariance::None };
            assert!(model.predict(rows([[0.1, 0.2]]), &at).is_ok());
            let answer = model.predict(rows([[0.1, 0.2, 0.3]]), &at);
            assert_eq!(answer.is_err(), refuses);
            if let Err(error) = answer {
                assert_eq!(error.to_string(), "pairs: 3 values in a sample: give two");
            }
        }
    }
}
