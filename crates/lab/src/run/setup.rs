//! What training, sampling and scoring of one row share.

use super::RunError;
use crate::methods::{MethodError, Outputs, Sampler, SamplerSettings};
use crate::recipe::{Experiment, Settings};
use crate::registry;
use burn::tensor::{Device, Tensor};
use undrift_denoisers::{ClipX0, Denoiser, OutputVariance, Parameterisation, Preconditioned, Variance};
use undrift_losses::Weighting;
use undrift_networks::{DdpmUnet, DdpmUnetConfig};
use undrift_schedules::Chain;

/// One row's settings, made into values.
pub struct Setup {
    /// The settings.
    pub settings: Settings,
    /// The forward process.
    pub chain: Chain,
    /// What the network's output means.
    pub parameterisation: Box<dyn Parameterisation>,
    /// The variance of reverse steps.
    pub variance: Variance,
    /// What the second half of the network's channels is.
    pub output_variance: OutputVariance,
    /// How much the squared error of a level counts.
    pub weighting: Weighting,
    /// The network.
    pub unet: DdpmUnetConfig,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Where tensors live; without autodiff.
    pub device: Device,
}

impl Setup {
    /// Builds the values that a row's settings name.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn new(row: &Experiment, device: &Device) -> Result<Self, RunError> {
        let s = &row.settings;
        let chain = registry::chain(&s.chain)?;
        Ok(Self {
            parameterisation: registry::parameterisation(s.model.prediction, &chain),
            variance: registry::variance(s.model.variance),
            output_variance: registry::output_variance(s.model.variance),
            weighting: registry::weighting(s.model.weighting),
            unet: registry::unet(s),
            shape: registry::image_shape(&s.data),
            settings: s.clone(),
            device: device.clone(),
            chain,
        })
    }

    /// The trained network as a belief about x0; wrappers and clipping are the sampler's.
    pub fn belief<'a>(&'a self, network: &'a DdpmUnet) -> impl Denoiser<4> + 'a {
        Preconditioned {
            network: |x: Tensor<4>, time: Tensor<1>| network.forward(x, time),
            parameterisation: &self.parameterisation,
            variance: self.output_variance,
        }
    }

    /// The belief clipped to [-1, 1], as the bound uses it.
    pub fn clipped<'a>(&'a self, network: &'a DdpmUnet) -> impl Denoiser<4> + 'a {
        ClipX0(self.belief(network))
    }

    /// A sampler for this row's chain and variance.
    ///
    /// # Errors
    /// [`MethodError`] names what does not exist or does not fit.
    pub fn sampler(&self, settings: &SamplerSettings) -> Result<Sampler, MethodError> {
        let outputs = Outputs { parameterisation: &*self.parameterisation, variance: self.output_variance };
        settings.build_for(&self.chain, self.variance, outputs)
    }

    /// Values per image.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }
}
