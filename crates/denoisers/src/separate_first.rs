//! The wrapper that leaves pure noise to a model of its own.

use burn::tensor::Tensor;

use crate::{DenoiseError, Denoiser, Prediction, Question};

/// A denoiser that answers at pure noise with a model of its own, and with the ordinary one everywhere else
/// (Zhang et al. 2024, arXiv:2403.08381; "SingDiffusion").
///
/// An eps model says nothing about x0 where there is no signal; a model of x0 answers there with the mean of the
/// data (or of those with some label). [`Grid::from_pure_noise`](undrift_schedules::Grid::from_pure_noise) gives
/// the grid to sample over, and any solver makes the first step: the authors make it with DDIM's.
#[derive(Clone, Copy, Debug)]
pub struct SeparateFirst<F, M> {
    /// The model that is asked about pure noise; it must give x0, as [`X0`](crate::X0) does.
    pub first: F,
    /// The model that is asked about every other level.
    pub rest: M,
}

impl<const D: usize, F: Denoiser<D>, M: Denoiser<D>> Denoiser<D> for SeparateFirst<F, M> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        let pure = at.iter().filter(|level| level.is_pure_noise()).count();
        match pure {
            0 => self.rest.predict(x, at),
            pure if pure == at.len() => self.first.predict(x, at),
            _ => Err(DenoiseError::PartlyPureNoise),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{bits, rows};
    use crate::{Eps, Gaussian, OutputVariance, Preconditioned};
    use undrift_schedules::Level;

    #[test]
    fn each_level_goes_to_its_model() {
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.5;
        let eps = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let mean = Gaussian { mean: 0.3, std: 0.5 };
        let both = SeparateFirst { first: mean, rest: &eps };
        let [pure, noisy] = [0.0, 0.1].map(|alpha_bar| Level::vp(alpha_bar, 7.0).expect("valid"));
        let x = || rows([[2.0, -3.0], [0.5, 0.1]]);
        let asked = |model: &dyn Denoiser<2>, at: &Levels| {
            bits(&model.predict(x(), &Question::from(at)).expect("has a belief").x0())
        };
        assert_eq!(asked(&both, &Levels::from(pure)), asked(&mean, &Levels::from(pure)));
        assert_eq!(asked(&both, &Levels::from(noisy)), asked(&eps, &Levels::from(noisy)));
        assert_ne!(asked(&both, &Levels::from(noisy)), asked(&mean, &Levels::from(noisy)));
        assert_eq!(asked(&both, &Levels::from(vec![pure, pure])), asked(&mean, &Levels::from(pure)));
        let mixed = both.predict(x(), &Question::from(vec![pure, noisy])).unwrap_err();
        assert_eq!(mixed, DenoiseError::PartlyPureNoise);
        assert_eq!(eps.predict(x(), &Question::from(pure)).unwrap_err(), DenoiseError::NoSignal { time: 7.0 });
    }
}
