//! How much the error at a level counts.

use burn::tensor::Tensor;
use undrift_denoisers::{Levels, Parameterisation, column};
use undrift_schedules::Level;

use crate::LossError;

/// How much the squared error of a sample counts, as a function of its level; [`Weighting`] has the published ones.
pub trait Weigh {
    /// The weight of the squared error of a network's output at a level.
    ///
    /// # Errors
    /// A [`LossError`] for a constant out of its range, and where there is no weight at this level.
    fn weight(&self, parameterisation: &dyn Parameterisation, at: Level) -> Result<f64, LossError>;

    /// Multiplies the error of each sample by its weight.
    ///
    /// # Shapes
    /// `errors`: `[B]`, mean squared errors of the network's output as from
    /// [`squared_error`](crate::squared_error); `at`: one level for all samples or `B`; result: `[B]`.
    ///
    /// # Errors
    /// As [`weight`](Self::weight), and if there are neither 1 nor `B` levels.
    fn weigh(
        &self,
        errors: Tensor<1>,
        parameterisation: &dyn Parameterisation,
        at: &Levels,
    ) -> Result<Tensor<1>, LossError> {
        at.check(&errors)?;
        weighed(self, errors, parameterisation, at)
    }
}

impl<W: Weigh + ?Sized> Weigh for Box<W> {
    fn weight(&self, parameterisation: &dyn Parameterisation, at: Level) -> Result<f64, LossError> {
        (**self).weight(parameterisation, at)
    }

    fn weigh(
        &self,
        errors: Tensor<1>,
        parameterisation: &dyn Parameterisation,
        at: &Levels,
    ) -> Result<Tensor<1>, LossError> {
        (**self).weigh(errors, parameterisation, at)
    }
}

/// How much the squared error of a sample counts: what papers say.
///
/// Papers state their weight for the error of one quantity: eps, or x0. A network's error is measured in its own
/// output space; since an error of its output by 1 is an error of x0 by `b` (of `x0 = a x + b output`), the weight
/// there is the one for x0 times `b^2`, and likewise for eps. So a value of this type is the same loss for every
/// parameterisation, and for min-SNR the published forms for eps, x0 and v come out.
/// A weight depends on the signal-to-noise ratio alone, not on the coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Weighting {
    /// 1 on the error of the network's own output, whatever that is; `L_simple` for an eps model.
    #[default]
    Uniform,
    /// `1 / (k + SNR)^gamma` on the error of eps (Choi et al. 2022, arXiv:2204.00227).
    ///
    /// That is the factor on `L_simple`; the paper's experiments have `k` 1 and `gamma` 0.5 or 1.
    P2 {
        /// Added to the signal-to-noise ratio, positive.
        k: f64,
        /// Exponent, not negative; at 0 all errors of eps count 1.
        gamma: f64,
    },
    /// `min(SNR, gamma)` on the error of x0 (Hang et al. 2023, arXiv:2303.09556).
    ///
    /// For eps this is `min(SNR, gamma) / SNR`, for v `min(SNR, gamma) / (SNR + 1)`.
    MinSnr {
        /// Where the weight stops growing, positive; the paper's is 5.
        gamma: f64,
    },
    /// `(sigma^2 + sigma_data^2) / (sigma sigma_data)^2` on the error of x0 (Karras et al. 2022, arXiv:2206.00364,
    /// table 1): 1 on the output of [`Edm`](undrift_denoisers::Edm).
    Edm {
        /// Standard deviation of the data, positive.
        sigma_data: f64,
    },
    /// `1 / sigma^2` on the error of x0, which is 1 on the error of eps: the losses that EDM's code calls VP and VE
    /// (Karras et al. 2022, arXiv:2206.00364, table 1).
    Snr,
}

impl Weigh for Weighting {
    fn weight(&self, parameterisation: &dyn Parameterisation, at: Level) -> Result<f64, LossError> {
        Weighting::weight(self, parameterisation, at)
    }

    fn weigh(
        &self,
        errors: Tensor<1>,
        parameterisation: &dyn Parameterisation,
        at: &Levels,
    ) -> Result<Tensor<1>, LossError> {
        Weighting::weigh(self, errors, parameterisation, at)
    }
}

impl Weighting {
    /// Multiplies the error of each sample by its weight; [`Weighting::Uniform`] returns it as it is.
    ///
    /// # Shapes
    /// As [`Weigh::weigh`].
    ///
    /// # Errors
    /// As [`weight`](Self::weight), and if there are neither 1 nor `B` levels.
    pub fn weigh(
        &self,
        errors: Tensor<1>,
        parameterisation: &dyn Parameterisation,
        at: &Levels,
    ) -> Result<Tensor<1>, LossError> {
        at.check(&errors)?;
        if *self == Weighting::Uniform {
            return Ok(errors);
        }
        weighed(self, errors, parameterisation, at)
    }

    /// The weight of the squared error of a network's output at a level.
    ///
    /// # Errors
    /// [`LossError::Weighting`] for a constant out of its range, and where the output determines no x0.
    pub fn weight(&self, parameterisation: &dyn Parameterisation, at: Level) -> Result<f64, LossError> {
        self.check()?;
        let snr = at.snr();
        let x0_error = || parameterisation.x0_of(at).map(|(_, b)| b * b);
        let eps_error = || parameterisation.eps_of(at).map(|(_, b)| b * b);
        Ok(match *self {
            Weighting::Uniform => 1.0,
            Weighting::P2 { k, gamma } => eps_error()? / (k + snr).powf(gamma),
            Weighting::MinSnr { gamma } => x0_error()? * snr.min(gamma),
            Weighting::Edm { sigma_data } => x0_error()? * (snr + sigma_data.powi(-2)),
            Weighting::Snr => eps_error()?,
        })
    }

    fn check(&self) -> Result<(), LossError> {
        let (name, value, least) = match *self {
            Weighting::Uniform | Weighting::Snr => return Ok(()),
            Weighting::P2 { k, gamma } if k > 0.0 && k.is_finite() => ("gamma of P2", gamma, 0.0),
            Weighting::P2 { k, .. } => ("k of P2", k, f64::MIN_POSITIVE),
            Weighting::MinSnr { gamma } => ("gamma of min-SNR", gamma, f64::MIN_POSITIVE),
            Weighting::Edm { sigma_data } => ("sigma_data", sigma_data, f64::MIN_POSITIVE),
        };
        if value.is_finite() && value >= least { Ok(()) } else { Err(LossError::Weighting { name, value }) }
    }
}

fn weighed<W: Weigh + ?Sized>(
    weighting: &W,
    errors: Tensor<1>,
    parameterisation: &dyn Parameterisation,
    at: &Levels,
) -> Result<Tensor<1>, LossError> {
    let weights = at.iter().map(|level| weighting.weight(parameterisation, level)).collect::<Result<Vec<_>, _>>()?;
    Ok(errors.clone() * column(&weights, &errors))
}
