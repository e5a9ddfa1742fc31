//! The ideal denoiser of a finite data set.

use burn::tensor::Tensor;
use undrift_schedules::Level;

use crate::samples::{map_samples, softmax_mean, squared_distance};
use crate::{DenoiseError, Denoiser, Prediction, Question};

/// The ideal denoiser of a finite data set: the mean of its samples, weighted by how well each explains `x`
/// (Karras et al. 2022, arXiv:2206.00364, appendix B.3).
///
/// What a network of endless capacity would learn, and a sampler that uses it returns the data themselves.
/// Computed in f64 on the host; no gradient flows through it.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    values: Vec<f64>,
    size: usize,
}

impl Empirical {
    /// The data set whose samples are the rows of `data`.
    ///
    /// # Shapes
    /// `data` is `[samples, ..]`.
    ///
    /// # Errors
    /// [`DenoiseError::NoData`] without any value, [`DenoiseError::Coordinate`] for one that is not finite.
    pub fn new<const D: usize>(data: Tensor<D>) -> Result<Self, DenoiseError> {
        let samples = data.dims()[0];
        let values: Vec<f64> = data.into_data().iter::<f64>().collect();
        if values.is_empty() {
            return Err(DenoiseError::NoData);
        }
        match values.iter().find(|value| !value.is_finite()) {
            Some(&value) => Err(DenoiseError::Coordinate { value }),
            None => Ok(Empirical { size: values.len() / samples, values }),
        }
    }

    /// `E[x0 | x]` of one sample.
    fn posterior_mean(&self, x: &[f64], at: Level) -> Vec<f64> {
        let variance = at.noise() * at.noise();
        let known = self.values.chunks_exact(self.size);
        let distances: Vec<f64> = known.map(|x0| squared_distance(x, x0, at.signal())).collect();
        let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
        let scores: Vec<f64> = distances.iter().map(|distance| -0.5 * (distance - least) / variance).collect();
        softmax_mean(&scores, self.size, |k, i| self.values[k * self.size + i])
    }
}

impl<const D: usize> Denoiser<D> for Empirical {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        let x0 = map_samples(&x, at, self.size, |sample, level| self.posterior_mean(sample, level))?;
        Prediction::from_x0(x, x0, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{gap, rows, values};
    use crate::{Component, GaussianMixture};

    fn data() -> Tensor<2> {
        rows([[0.5, -0.4], [-0.6, 0.3], [0.9, 0.8]])
    }

    fn x0_at(x: [f64; 2], level: Level) -> Vec<f64> {
        let model = Empirical::new(data()).expect("valid");
        values(&model.predict(rows([x]), &Question::from(level)).expect("fits").x0())
    }

    /// The posterior of data that are narrow bumps around the samples, integrated over the plane.
    #[test]
    fn is_the_limit_of_narrow_bumps() {
        let bumps = values(&data());
        let component = |mean: &[f64]| Component { weight: 1.0, mean: mean.to_vec(), std: 1e-7 };
        let narrow = GaussianMixture::new(bumps.chunks(2).map(component).collect()).expect("valid");
        for alpha_bar in [0.9, 0.3, 1e-3] {
            let at = Levels::from(Level::vp(alpha_bar, 0.0).expect("valid"));
            let x = rows([[0.2, 0.1], [-1.3, 0.7]]);
            let exact = Empirical::new(data()).expect("valid").predict(x.clone(), &Question::from(&at)).expect("fits");
            assert!(gap(&exact.x0(), &narrow.predict(x, &Question::from(&at)).expect("fits").x0()) < 1e-9);
        }
    }

    #[test]
    fn weighs_by_likelihood() {
        // signal 0.6, noise 0.8; written out for two samples on a line.
        let model = Empirical::new(rows([[1.0], [-0.5]])).expect("valid");
        let at = Levels::from(Level::vp(0.36, 0.0).expect("valid"));
        let likelihood = |x0: f64| (-(0.25f64 - 0.6 * x0).powi(2) / (2.0 * 0.64)).exp();
        let expected = (likelihood(1.0) - 0.5 * likelihood(-0.5)) / (likelihood(1.0) + likelihood(-0.5));
        let found = values(&model.predict(rows([[0.25]]), &Question::from(&at)).expect("fits").x0())[0];
        assert!((found - expected).abs() < 1e-14, "{found} is not {expected}");
    }

    #[test]
    fn almost_without_noise_it_is_the_nearest_sample() {
        assert_eq!(x0_at([0.8, 0.7], Level::edm(1e-5, 0.0).expect("valid")), [0.9, 0.8]);
        assert_eq!(x0_at([-900.0, 700.0], Level::edm(1e-140, 0.0).expect("valid")), [-0.6, 0.3]);
    }

    #[test]
    fn without_signal_it_is_the_mean_of_the_data() {
        let mean = x0_at([5.0, -3.0], Level::vp(0.0, 0.0).expect("signal 0 is a level"));
        assert!((mean[0] - 0.8 / 3.0).abs() < 1e-15 && (mean[1] - 0.7 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn impossible_data_are_errors() {
        let device = burn::tensor::Device::flex();
        assert_eq!(Empirical::new(Tensor::<2>::zeros([0, 3], &device)), Err(DenoiseError::NoData));
        let infinite = rows([[f64::INFINITY]]);
        assert_eq!(Empirical::new(infinite), Err(DenoiseError::Coordinate { value: f64::INFINITY }));
        let at = Levels::from(Level::vp(0.5, 0.0).expect("valid"));
        let wrong = Empirical::new(data()).expect("valid").predict(rows([[1.0]]), &Question::from(&at)).unwrap_err();
        assert_eq!(wrong, DenoiseError::SampleSize { expected: 2, found: 1 });
    }
}
