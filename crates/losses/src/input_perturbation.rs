//! Input perturbation: training on inputs with more noise than the target admits.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels};
use undrift_noise::Noise;

use crate::{Corrupted, Corruption, LossError, Plain, mix};

/// Input perturbation (DDPM-IP): the network sees `signal * x0 + noise * (eps + gamma xi)` and is asked for `eps`.
///
/// Ning et al. 2023, arXiv:2301.11706, algorithm 1. The extra noise `gamma xi` stands for the error that a sampler's
/// own steps leave in its state; sampling does not change. `eps` is the first draw, `xi` the second one of the same
/// source, as in the authors' code, so that runs with and without it share their `eps`. At `gamma` 0 nothing is
/// perturbed and `xi` is not drawn. In a bound the true posterior is that of `x0` and the perturbed input, as in the
/// authors' code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputPerturbation {
    gamma: f64,
}

impl InputPerturbation {
    /// `gamma` of the paper's experiments, the same for all data sets and levels.
    pub const PAPER_GAMMA: f64 = 0.1;

    /// `gamma` of the authors' CIFAR-10 command and released weights, where the paper says 0.1.
    pub const RELEASED_CIFAR10_GAMMA: f64 = 0.15;

    /// Perturbation of strength `gamma`, in units of the level's own noise.
    ///
    /// # Errors
    /// [`LossError::Gamma`] unless `gamma` is finite and not negative.
    pub fn new(gamma: f64) -> Result<Self, LossError> {
        if gamma.is_finite() && gamma >= 0.0 {
            Ok(InputPerturbation { gamma })
        } else {
            Err(LossError::Gamma { gamma })
        }
    }

    /// The strength of the perturbation.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }
}

impl<const D: usize> Corruption<D> for InputPerturbation {
    fn corrupt(
        &self,
        model: &dyn Denoiser<D>,
        x0: &Tensor<D>,
        at: &Levels,
        noise: &mut dyn Noise<D>,
    ) -> Result<Corrupted<D>, LossError> {
        if self.gamma == 0.0 {
            return Plain.corrupt(model, x0, at, noise);
        }
        let eps = noise.normal(x0);
        let seen = eps.clone() + noise.normal(x0) * self.gamma;
        Ok(Corrupted { x: mix(x0.clone(), seen, at), eps })
    }
}
