//! The exact denoiser of a Gaussian mixture.

use burn::tensor::Tensor;
use undrift_schedules::Level;

use crate::samples::{map_samples, softmax_mean, squared_distance};
use crate::{DenoiseError, Denoiser, Prediction, Question};

/// The exact denoiser of data drawn from a mixture of isotropic Gaussians over whole samples.
///
/// The posterior of x0 is a mixture again: each component's own posterior mean, weighted by how well the
/// component explains `x`. Computed in f64 on the host; no gradient flows through it.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    components: Vec<Component>,
}

/// One isotropic Gaussian of a [`GaussianMixture`].
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// How often it occurs, relative to the other components; above 0.
    pub weight: f64,
    /// Its mean, one number for each value of a sample (row-major).
    pub mean: Vec<f64>,
    /// Its standard deviation in every direction; 0 is a point.
    pub std: f64,
}

impl GaussianMixture {
    /// A mixture of these components.
    ///
    /// # Errors
    /// [`DenoiseError::NoData`], [`DenoiseError::Weight`], [`DenoiseError::Std`], [`DenoiseError::Coordinate`],
    /// or [`DenoiseError::SampleSize`] if the means differ in length.
    pub fn new(components: Vec<Component>) -> Result<Self, DenoiseError> {
        let size = components.first().ok_or(DenoiseError::NoData)?.mean.len();
        components.iter().try_for_each(|component| component.check(size))?;
        Ok(GaussianMixture { components })
    }

    /// `E[x0 | x]` of one sample.
    fn posterior_mean(&self, x: &[f64], at: Level) -> Vec<f64> {
        let scores: Vec<f64> = self.components.iter().map(|component| component.score(x, at)).collect();
        softmax_mean(&scores, x.len(), |k, i| self.components[k].posterior_mean(x[i], i, at))
    }
}

impl Component {
    fn check(&self, size: usize) -> Result<(), DenoiseError> {
        if !self.weight.is_finite() || self.weight <= 0.0 {
            return Err(DenoiseError::Weight { weight: self.weight });
        }
        if !self.std.is_finite() || self.std < 0.0 {
            return Err(DenoiseError::Std { std: self.std });
        }
        if self.mean.len() != size {
            return Err(DenoiseError::SampleSize { expected: size, found: self.mean.len() });
        }
        match self.mean.iter().find(|value| !value.is_finite()) {
            Some(&value) => Err(DenoiseError::Coordinate { value }),
            None => Ok(()),
        }
    }

    /// Variance of `x` under this component.
    fn total(&self, at: Level) -> f64 {
        (at.signal() * self.std).powi(2) + at.noise().powi(2)
    }

    /// Logarithm of weight times density of `x`, up to a constant that all components share.
    fn score(&self, x: &[f64], at: Level) -> f64 {
        let total = self.total(at);
        let distance = squared_distance(x, &self.mean, at.signal());
        self.weight.ln() - 0.5 * (x.len() as f64 * total.ln() + distance / total)
    }

    fn posterior_mean(&self, x: f64, coordinate: usize, at: Level) -> f64 {
        let (mean, total) = (self.mean[coordinate], self.total(at));
        mean + self.std.powi(2) * at.signal() / total * (x - at.signal() * mean)
    }
}

impl<const D: usize> Denoiser<D> for GaussianMixture {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        let size = self.components[0].mean.len();
        let x0 = map_samples(&x, at, size, |sample, level| self.posterior_mean(sample, level))?;
        Prediction::from_x0(x, x0, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gaussian;
    use crate::Levels;
    use crate::testing::{bits, gap, rows, values};
    use burn::tensor::DType;

    fn component(weight: f64, mean: &[f64], std: f64) -> Component {
        Component { weight, mean: mean.to_vec(), std }
    }

    fn level(alpha_bar: f64) -> Level {
        Level::vp(alpha_bar, 0.0).expect("valid")
    }

    fn pair() -> Vec<Component> {
        vec![component(2.0, &[0.5, -0.4], 0.2), component(1.0, &[-0.6, 0.3], 0.4)]
    }

    /// `E[x0 | x]` over a square of the plane.
    fn integrated(components: &[Component], x: [f64; 2], level: Level) -> [f64; 2] {
        let (mut mass, mut moments) = (0.0, [0.0; 2]);
        let axis = |i: usize| -4.0 + 8.0 * i as f64 / 800.0;
        for x0 in (0..=800).flat_map(|i| (0..=800).map(move |j| [axis(i), axis(j)])) {
            let prior: f64 = components
                .iter()
                .map(|c| {
                    let distance = squared_distance(&x0, &c.mean, 1.0);
                    c.weight / c.std.powi(2) * (-0.5 * distance / c.std.powi(2)).exp()
                })
                .sum();
            let density = prior * (-0.5 * squared_distance(&x, &x0, level.signal()) / level.noise().powi(2)).exp();
            mass += density;
            moments = [moments[0] + density * x0[0], moments[1] + density * x0[1]];
        }
        moments.map(|moment| moment / mass)
    }

    #[test]
    fn agrees_with_the_integrated_posterior() {
        let model = GaussianMixture::new(pair()).expect("valid");
        for (alpha_bar, x) in [(0.9, [0.1, 0.2]), (0.5, [-0.7, 0.4]), (0.02, [0.9, -1.1])] {
            let belief = model.predict(rows([x]), &Question::from(level(alpha_bar))).expect("fits");
            for (found, expected) in values(&belief.x0()).iter().zip(integrated(&pair(), x, level(alpha_bar))) {
                assert!((found - expected).abs() < 1e-9, "alpha_bar {alpha_bar}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn one_component_is_the_gaussian() {
        let model = GaussianMixture::new(vec![component(0.1, &[0.3, 0.3], 0.5)]).expect("valid");
        let (x, at) = (rows([[0.9, -1.4], [3.0, 0.2]]), Levels::from(vec![level(0.9), level(0.1)]));
        let exact = Gaussian { mean: 0.3, std: 0.5 }.predict(x.clone(), &Question::from(&at)).expect("fits");
        assert!(gap(&model.predict(x, &Question::from(&at)).expect("fits").x0(), &exact.x0()) < 1e-14);
    }

    #[test]
    fn far_away_and_almost_without_noise_nothing_overflows() {
        let model = GaussianMixture::new(pair()).expect("valid");
        let at = Levels::from(Level::edm(1e-6, 0.0).expect("valid"));
        let belief = model.predict(rows([[40.0, -40.0]]), &Question::from(&at)).expect("fits");
        assert!(values(&belief.x0()).iter().all(|value| value.is_finite()));
    }

    #[test]
    fn a_sample_does_not_depend_on_its_batch() {
        let model = GaussianMixture::new(pair()).expect("valid");
        let x = rows([[0.1, 0.2], [-0.5, 0.9]]).cast(DType::F32);
        let both = model.predict(x.clone(), &Question::from(level(0.4))).expect("fits").x0();
        let alone = model.predict(x.narrow(0, 1, 1), &Question::from(level(0.4))).expect("fits").x0();
        assert_eq!(both.dtype(), DType::F32);
        assert_eq!(bits(&both.narrow(0, 1, 1)), bits(&alone));
    }

    #[test]
    fn impossible_mixtures_are_errors() {
        let refused = |components| GaussianMixture::new(components).unwrap_err();
        assert_eq!(refused(vec![]), DenoiseError::NoData);
        assert_eq!(refused(vec![component(0.0, &[0.0], 1.0)]), DenoiseError::Weight { weight: 0.0 });
        assert_eq!(refused(vec![component(1.0, &[0.0], -1.0)]), DenoiseError::Std { std: -1.0 });
        assert_eq!(
            refused(vec![component(1.0, &[0.0], 1.0), component(1.0, &[0.0, 0.0], 1.0)]),
            DenoiseError::SampleSize { expected: 1, found: 2 }
        );
        assert!(matches!(refused(vec![component(1.0, &[f64::NAN], 1.0)]), DenoiseError::Coordinate { .. }));
        let model = GaussianMixture::new(pair()).expect("valid");
        let wrong = model.predict(rows([[1.0, 2.0, 3.0]]), &Question::from(level(0.5))).unwrap_err();
        assert_eq!(wrong, DenoiseError::SampleSize { expected: 2, found: 3 });
    }
}
