//! The exact denoiser of a Gaussian.

use burn::tensor::Tensor;

use crate::{DenoiseError, Denoiser, Prediction, Question, column};

/// The exact denoiser of data that are independently N(mean, std^2) in every coordinate.
///
/// `E[x0 | x] = mean + g (x - signal * mean)` with `g = std^2 signal / (signal^2 std^2 + noise^2)`
/// (conditional mean of a joint Gaussian).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    /// Mean of each coordinate of the data; finite.
    pub mean: f64,
    /// Standard deviation of each coordinate of the data; finite, 0 is a point.
    pub std: f64,
}

impl Gaussian {
    fn check(&self) -> Result<(), DenoiseError> {
        if !self.mean.is_finite() {
            return Err(DenoiseError::Coordinate { value: self.mean });
        }
        if !self.std.is_finite() || self.std < 0.0 {
            return Err(DenoiseError::Std { std: self.std });
        }
        Ok(())
    }
}

impl<const D: usize> Denoiser<D> for Gaussian {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        self.check()?;
        at.check(&x)?;
        let variance = self.std * self.std;
        let (gains, offsets): (Vec<f64>, Vec<f64>) = at
            .iter()
            .map(|level| {
                let (signal, noise) = (level.signal(), level.noise());
                let total = signal * signal * variance + noise * noise;
                (variance * signal / total, self.mean * noise * noise / total)
            })
            .unzip();
        let x0 = x.clone() * column(&gains, &x) + column(&offsets, &x);
        Prediction::from_x0(x, x0, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{rows, values};
    use undrift_schedules::Level;

    fn x0_at(model: Gaussian, x: f64, level: Level) -> f64 {
        values(&model.predict(rows([[x]]), &Question::from(level)).expect("fits").x0())[0]
    }

    /// `E[x0 | x]` by the trapezium rule over +-12 standard deviations.
    fn integrated(model: Gaussian, x: f64, level: Level) -> f64 {
        let (mut mass, mut moment) = (0.0, 0.0);
        for i in 0..=40_000 {
            let z = -12.0 + 24.0 * i as f64 / 40_000.0;
            let x0 = model.mean + model.std * z;
            let misfit = (x - level.signal() * x0) / level.noise();
            let density = (-0.5 * (z * z + misfit * misfit)).exp();
            mass += density;
            moment += density * x0;
        }
        moment / mass
    }

    #[test]
    fn agrees_with_the_integrated_posterior_in_both_coordinates() {
        let model = Gaussian { mean: 0.3, std: 0.5 };
        for alpha_bar in [0.99, 0.5, 0.01] {
            let vp = Level::vp(alpha_bar, 0.0).expect("valid");
            for (level, x) in [(vp, 0.8), (vp, -1.7), (vp.unscaled().expect("has signal"), 1.1)] {
                let gap = x0_at(model, x, level) - integrated(model, x, level);
                assert!(gap.abs() < 1e-9, "alpha_bar {alpha_bar}: {gap}");
            }
        }
    }

    #[test]
    fn without_signal_only_the_mean_is_known_and_a_point_is_known_always() {
        let last = Level::vp(0.0, 0.0).expect("signal 0 is a level");
        assert!((x0_at(Gaussian { mean: 0.3, std: 0.5 }, 1.9, last) - 0.3).abs() < 1e-15);
        let level = Level::vp(0.7, 0.0).expect("valid");
        assert!((x0_at(Gaussian { mean: 0.3, std: 0.0 }, 1.9, level) - 0.3).abs() < 1e-15);
    }

    #[test]
    fn impossible_data_are_errors() {
        let at = Levels::from(Level::vp(0.5, 0.0).expect("valid"));
        let refused = |mean, std| Gaussian { mean, std }.predict(rows([[1.0]]), &Question::from(&at)).unwrap_err();
        assert_eq!(refused(0.0, -1.0), DenoiseError::Std { std: -1.0 });
        assert_eq!(refused(f64::INFINITY, 1.0), DenoiseError::Coordinate { value: f64::INFINITY });
        assert!(matches!(refused(0.0, f64::NAN), DenoiseError::Std { .. }));
    }
}
