//! DDPM's ancestral sampler, guided by a classifier.

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, Guide, Levels, Prediction, Variance};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::{Ancestral, SampleError, Solver, Step};

/// Ancestral sampling whose mean is moved by `variance s grad log p(y | x_t)` (Dhariwal, Nichol 2021,
/// arXiv:2105.05233, algorithm 1).
///
/// The variance is that of the step itself, 0 on the step to the data if it is the fixed small one. The gradient is
/// taken at `x_t`, as in the authors' code, where the paper takes it at the mean. A scale of 0 is
/// [`Ancestral`], bit for bit.
///
/// A scale that is no finite number is an error.
#[derive(Clone, Copy, Debug)]
pub struct GuidedAncestral<G> {
    /// How much noise a step adds.
    pub variance: Variance,
    /// The classifier and what it should see.
    pub guide: G,
    /// s.
    pub scale: f64,
}

impl<const D: usize, G: Guide<D>> Solver<D> for GuidedAncestral<G> {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let failed = |source| SampleError::Denoise { time: span.from().time(), source };
        if !self.scale.is_finite() {
            return Err(failed(DenoiseError::GuidanceScale { scale: self.scale }));
        }
        let step = Ancestral { variance: self.variance }.step(model, x.clone(), span, past, noise)?;
        if self.scale == 0.0 {
            return Ok(step);
        }
        let variance = self.variance.variance(&step.prediction, &[*span]).map_err(failed)?;
        // The gradient is per unit of x where the span starts, the mean is where it ends.
        let units = span.from().scale() / span.to_scale();
        let shift = self.guide.gradient(&x, &Levels::from(span.from())) * (variance * (self.scale * units));
        Ok(Step { x: step.x + shift, ..step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, tensor};
    use undrift_denoisers::Gaussian;
    use undrift_noise::Replay;
    use undrift_schedules::Chain;

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    fn noisy() -> Tensor<2> {
        tensor(vec![0.4, -1.3, 2.2, 0.1, -0.6, 0.9], [2, 3])
    }

    fn drawn() -> Tensor<2> {
        tensor(vec![1.5, -0.2, 0.3, -2.1, 0.8, -0.7], [2, 3])
    }

    fn stepped(solver: &dyn Solver<2>, t: usize) -> Tensor<2> {
        let span = Chain::linear(1000).expect("valid").span(t).expect("in range");
        solver.step(&MODEL, noisy(), &span, &[], &mut Replay::new(vec![drawn()])).expect("has a belief").x
    }

    fn pull(x: &Tensor<2>, _: &Levels) -> Tensor<2> {
        x.clone() * -0.35
    }

    /// Algorithm 1: mu + s Sigma grad, with beta_tilde of t = 2 summed up here.
    #[test]
    fn the_mean_moves_by_variance_times_gradient() {
        let betas = [1e-4, 1e-4 + 0.0199 / 999.0];
        let bars = [1.0 - betas[0], (1.0 - betas[0]) * (1.0 - betas[1])];
        let beta_tilde = (1.0 - bars[0]) / (1.0 - bars[1]) * betas[1];
        for (variance, expected) in [(Variance::FixedSmall, beta_tilde), (Variance::FixedLarge, betas[1])] {
            let guided = stepped(&GuidedAncestral { variance, guide: pull, scale: 4.0 }, 2);
            let plain = stepped(&Ancestral { variance }, 2);
            let moved = plain + noisy() * (-0.35 * 4.0 * expected);
            assert!(gap(&guided, &moved) < 1e-13, "{variance:?}");
        }
    }

    #[test]
    fn the_step_to_the_data_is_moved_by_the_larger_variances_only() {
        let small = Variance::FixedSmall;
        let guided = stepped(&GuidedAncestral { variance: small, guide: pull, scale: 4.0 }, 1);
        assert_eq!(bits(&guided), bits(&stepped(&Ancestral { variance: small }, 1)));
        let large = Variance::FixedLarge;
        let guided = stepped(&GuidedAncestral { variance: large, guide: pull, scale: 4.0 }, 1);
        assert!(gap(&guided, &stepped(&Ancestral { variance: large }, 1)) > 1e-6);
    }

    /// Where x is not scaled down the same guide says the same about the same image.
    #[test]
    fn other_coordinates_give_the_same_image() {
        let chain = Chain::linear(1000).expect("valid");
        let spans = [chain.grid(), chain.grid().unscaled().expect("all levels have signal")];
        let [scaled, unscaled] = spans.map(|grid| grid.spans()[500]);
        let signal = |span: &Span| span.from().signal();
        let ended = |span: &Span, x: Tensor<2>| {
            // The guide pulls the image that x stands for in variance-preserving units.
            let factor = span.from().scale();
            let guide = move |x: &Tensor<2>, _: &Levels| x.clone() * (-0.35 / (factor * factor));
            let solver = GuidedAncestral { variance: Variance::FixedLarge, guide, scale: 4.0 };
            let noise = drawn();
            solver.step(&MODEL, x, span, &[], &mut Replay::new(vec![noise])).expect("has a belief").x
        };
        assert!(signal(&unscaled) == 1.0 && signal(&scaled) < 1.0);
        let there = ended(&scaled, noisy()) * unscaled.to_scale();
        let here = ended(&unscaled, noisy() * unscaled.from().scale());
        assert!(gap(&there, &here) < 1e-12, "{}", gap(&there, &here));
    }

    #[test]
    fn a_scale_that_is_no_number_is_refused() {
        let solver = GuidedAncestral { variance: Variance::FixedSmall, guide: pull, scale: f64::NAN };
        let span = Chain::linear(1000).expect("valid").span(2).expect("in range");
        let error = solver.step(&MODEL, noisy(), &span, &[], &mut Replay::new(vec![drawn()])).unwrap_err();
        assert!(format!("{error:?}").contains("GuidanceScale"), "{error:?}");
    }

    #[test]
    fn a_scale_of_0_is_the_plain_sampler() {
        let variance = Variance::FixedLarge;
        let guided = stepped(&GuidedAncestral { variance, guide: pull, scale: 0.0 }, 500);
        assert_eq!(bits(&guided), bits(&stepped(&Ancestral { variance }, 500)));
    }
}
