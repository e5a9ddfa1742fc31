//! Guidance by a classifier, as a change of eps.

use burn::tensor::Tensor;
use undrift_schedules::Level;

use crate::{DenoiseError, Denoiser, Levels, Prediction, Question};

/// Where samples should go: the gradient of a log-probability.
///
/// Closures are guides, so that a classifier and the labels of a batch are captured.
pub trait Guide<const D: usize> {
    /// The gradient of `log p(y | x, t)` with respect to `x`, for each sample on its own.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`, and so is the result; `at` holds one level, or one for each sample.
    fn gradient(&self, x: &Tensor<D>, at: &Levels) -> Tensor<D>;
}

impl<const D: usize, F> Guide<D> for F
where
    F: Fn(&Tensor<D>, &Levels) -> Tensor<D>,
{
    fn gradient(&self, x: &Tensor<D>, at: &Levels) -> Tensor<D> {
        self(x, at)
    }
}

/// A denoiser whose eps is `eps - noise s grad log p(y | x)`, noise being `sqrt(1 - alpha_bar)` in
/// variance-preserving coordinates (Dhariwal, Nichol 2021, arXiv:2105.05233, algorithm 2).
///
/// This is the form for DDIM and every other solver that asks for a belief; the ancestral sampler has its own,
/// `undrift_samplers::GuidedAncestral`. As in the authors' code the gradient is that at `x`, and x0 is not
/// clipped again: put this around [`ClipX0`](crate::ClipX0), not into it. A scale of 0 returns the inner belief
/// untouched.
#[derive(Clone, Copy, Debug)]
pub struct ClassifierGuidance<M, G> {
    /// The model that is guided.
    pub inner: M,
    /// The classifier and what it should see.
    pub guide: G,
    /// s; 1 samples from the product of the model and the classifier.
    pub scale: f64,
}

impl<const D: usize, M: Denoiser<D>, G: Guide<D>> Denoiser<D> for ClassifierGuidance<M, G> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        if !self.scale.is_finite() {
            return Err(DenoiseError::GuidanceScale { scale: self.scale });
        }
        let prediction = self.inner.predict(x.clone(), at)?;
        if self.scale == 0.0 {
            return Ok(prediction);
        }
        let gradient = self.guide.gradient(&x, at);
        let step = at.column(&x, Level::noise) * self.scale;
        prediction.map_eps(|eps| eps - gradient * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, rows, values};
    use crate::{ClipX0, Component, GaussianMixture};
    use burn::tensor::{DType, TensorData};

    const MEANS: [[f64; 2]; 2] = [[0.8, -0.3], [-0.5, 0.6]];
    const STD: f64 = 0.3;

    fn mixture(of: &[usize]) -> GaussianMixture {
        let component = |&k: &usize| Component { weight: 1.0, mean: MEANS[k].to_vec(), std: STD };
        GaussianMixture::new(of.iter().map(component).collect()).expect("valid")
    }

    /// log p(first component | x), from the densities themselves.
    fn log_posterior(x: [f64; 2], at: Level) -> f64 {
        let total = (at.signal() * STD).powi(2) + at.noise().powi(2);
        let log_density = |mean: [f64; 2]| {
            let distance: f64 = x.iter().zip(mean).map(|(x, m)| (x - at.signal() * m).powi(2)).sum();
            -0.5 * distance / total
        };
        let [first, second] = MEANS.map(log_density);
        first - first.max(second) - ((first - first.max(second)).exp() + (second - first.max(second)).exp()).ln()
    }

    /// The gradient of that by differences.
    fn posterior_gradient(x: &Tensor<2>, at: &Levels) -> Tensor<2> {
        let level = at.iter().next().expect("one level");
        let (h, numbers) = (1e-5, values(x));
        let slopes = numbers.chunks(2).flat_map(|x| {
            [0, 1].map(|axis| {
                let moved = |by: f64| {
                    let mut x = [x[0], x[1]];
                    x[axis] += by;
                    log_posterior(x, level)
                };
                (moved(h) - moved(-h)) / (2.0 * h)
            })
        });
        Tensor::from_data(TensorData::new(slopes.collect(), x.dims()), (&x.device(), DType::F64))
    }

    fn levels() -> [Levels; 2] {
        [Level::vp(0.6, 10.0), Level::edm(0.9, 10.0)].map(|level| Levels::from(level.expect("valid")))
    }

    /// Bayes: the mixture guided by the exact posterior of a component is that component.
    #[test]
    fn with_scale_1_the_exact_classifier_makes_the_conditional_model() {
        for at in levels() {
            let model = ClassifierGuidance { inner: mixture(&[0, 1]), guide: posterior_gradient, scale: 1.0 };
            let x = rows([[0.7, -0.4], [-0.2, 0.9]]);
            let guided = model.predict(x.clone(), &Question::from(&at)).expect("fits");
            let conditional = mixture(&[0]).predict(x, &Question::from(&at)).expect("fits");
            assert!(gap(&guided.eps(), &conditional.eps()) < 1e-9);
            assert!(gap(&guided.x0(), &conditional.x0()) < 1e-9);
        }
    }

    #[test]
    fn a_scale_of_0_changes_no_bit_and_asks_no_guide() {
        let asked = |_: &Tensor<2>, _: &Levels| -> Tensor<2> { panic!("must not be asked") };
        let model = ClassifierGuidance { inner: ClipX0(mixture(&[0, 1])), guide: asked, scale: 0.0 };
        let [at, _] = levels();
        let x = rows([[0.7, -0.4]]);
        let plain = ClipX0(mixture(&[0, 1])).predict(x.clone(), &Question::from(&at)).expect("fits");
        assert_eq!(bits(&model.predict(x, &Question::from(&at)).expect("fits").eps()), bits(&plain.eps()));
    }

    #[test]
    fn x0_may_leave_the_range_after_clipping() {
        let push = |x: &Tensor<2>, _: &Levels| x.zeros_like() + 5.0;
        let model = ClassifierGuidance { inner: ClipX0(mixture(&[0, 1])), guide: push, scale: 1.0 };
        let [at, _] = levels();
        assert!(
            values(&model.predict(rows([[0.7, -0.4]]), &Question::from(&at)).expect("fits").x0())
                .iter()
                .any(|x0| *x0 > 1.0)
        );
    }
}
