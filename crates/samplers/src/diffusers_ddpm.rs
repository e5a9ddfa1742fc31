//! The ancestral step of huggingface/diffusers.

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, LearnedVariance, Prediction, Variance};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::{Ancestral, SampleError, Solver, Step};

/// [`Ancestral`] as `DDPMScheduler` of diffusers takes it: noise is drawn wherever the label is above 0, so also in a
/// last step that starts above it, as trailing steps and steps with an offset do.
///
/// There the large variance is beta of the whole jump, and the small one 1e-20, the least that the peer allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffusersDdpm {
    /// How much noise a step adds.
    pub variance: Variance,
}

/// The least variance.
const LEAST: f64 = 1e-20;

impl<const D: usize> Solver<D> for DiffusersDdpm {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let step = Ancestral { variance: self.variance }.step(model, x, span, past, noise)?;
        let time = span.from().time();
        if span.to().is_some() || time <= 0.0 {
            return Ok(step);
        }
        let std = self.last_std(&step.prediction, span).map_err(SampleError::at(time))?;
        let drawn = noise.normal(&step.x);
        Ok(Step { x: step.x + drawn * std, ..step })
    }
}

impl DiffusersDdpm {
    /// The standard deviation of a step to the data.
    fn last_std<const D: usize>(self, prediction: &Prediction<D>, span: &Span) -> Result<Tensor<D>, DenoiseError> {
        let like = prediction.x();
        let filled = |value: f64| like.zeros_like() + value;
        match self.variance {
            Variance::FixedSmall => Ok(filled(LEAST.sqrt())),
            Variance::FixedLarge => Ok(filled(span.beta().sqrt())),
            Variance::Learned => match prediction.learned().ok_or(DenoiseError::NoLearnedVariance)? {
                LearnedVariance::LogVariance(log_variance) => Ok((log_variance.clone() * 0.5).exp()),
                LearnedVariance::Range(position) => {
                    let (low, high) = (LEAST.ln(), span.log_beta());
                    Ok(((position.clone() * (high - low) + (high + low)) * 0.25).exp())
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{gap, tensor};
    use undrift_denoisers::Gaussian;
    use undrift_noise::Replay;
    use undrift_schedules::Chain;

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    fn start() -> Tensor<2> {
        tensor(vec![0.3, -1.2, 2.0, 0.7], [2, 2])
    }

    fn last(variance: Variance, label: usize) -> (Step<2>, Step<2>, Tensor<2>) {
        let span = Chain::linear(1000).unwrap().grid_at(&[label + 1]).unwrap().spans()[0];
        let drawn = start().sin();
        let mut noise = Replay::new(vec![drawn.clone()]);
        let ours = Ancestral { variance }.step(&MODEL, start(), &span, &[], &mut noise).unwrap();
        (DiffusersDdpm { variance }.step(&MODEL, start(), &span, &[], &mut noise).unwrap(), ours, drawn)
    }

    #[test]
    fn a_last_step_above_label_0_draws_the_noise_of_its_variance() {
        let beta = Chain::linear(1000).unwrap().grid_at(&[101]).unwrap().spans()[0].beta();
        let (large, mean, drawn) = last(Variance::FixedLarge, 100);
        assert!(gap(&large.x, &(mean.x.clone() + drawn.clone() * beta.sqrt())) < 1e-14);
        let (small, mean, drawn) = last(Variance::FixedSmall, 100);
        assert!(gap(&small.x, &(mean.x + drawn * 1e-10)) < 1e-15);
    }

    #[test]
    fn at_label_0_there_is_none() {
        let (theirs, ours, _) = last(Variance::FixedLarge, 0);
        assert_eq!(gap(&theirs.x, &ours.x), 0.0);
    }
}
