//! Offset noise: each channel of an image is shifted as a whole.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels};
use undrift_lab::methods::slots::Corruptions;
use undrift_lab::methods::{MethodError, Parameter, Row};
use undrift_losses::{Corrupted, Corruption, LossError, mix};
use undrift_noise::Noise;

/// `eps + strength * z` with one z for each channel (Guttenberg 2023, "Diffusion with Offset Noise").
struct OffsetNoise {
    strength: f64,
}

impl Corruption<4> for OffsetNoise {
    fn corrupt(
        &self,
        _model: &dyn Denoiser<4>,
        x0: &Tensor<4>,
        at: &Levels,
        noise: &mut dyn Noise<4>,
    ) -> Result<Corrupted<4>, LossError> {
        let [batch, channels, ..] = x0.dims();
        let eps = noise.normal(x0);
        let shift = noise.normal(&x0.clone().slice([0..batch, 0..channels, 0..1, 0..1]));
        let eps = eps + shift * self.strength;
        Ok(Corrupted { x: mix(x0.clone(), eps.clone(), at), eps })
    }
}

pub(crate) const ROW: Row<Corruptions> = Row {
    name: "offset-noise",
    about: "noise that shifts each channel as a whole (Guttenberg 2023)",
    parameters: &[Parameter::number("strength", Some(0.1), "standard deviation of the shift, from 0")],
    build: |values, _| match values.number("strength") {
        strength if strength >= 0.0 => Ok(Box::new(OffsetNoise { strength })),
        other => Err(MethodError::refused(values.method(), format!("`strength` is {other}, but must not be negative"))),
    },
};
