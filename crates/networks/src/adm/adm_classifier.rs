//! ADM's classifier of noisy images.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use undrift_kernels::Activation;
use undrift_noise::{Key, SampleNoise};

use crate::adm::adm_trunk::AdmTrunk;
use crate::adm::attention_pool::AttentionPool;
use crate::backbone::check_input;
use crate::dropout::Dropout;
use crate::fused::{convolve_rows, normalise};
use crate::initialiser::Initialiser;
use crate::{AdmClassifierConfig, AdmPool, NetworkError};

/// ADM's classifier of noisy images, made by [`AdmClassifierConfig::init`].
///
/// Its logits can be differentiated with respect to the image, which is what guidance by a classifier needs.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`EncoderUNetModel`).
#[derive(Module, Debug)]
pub struct AdmClassifier {
    trunk: AdmTrunk,
    norm_out: GroupNorm,
    pool: Option<AttentionPool>,
    head: Option<Conv2d>,
    #[module(skip)]
    config: AdmClassifierConfig,
}

impl AdmClassifier {
    /// The logits in inference: no dropout, also on an autodiff device.
    ///
    /// Sample i is the same, bit for bit, in a batch of any size.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, in_channels, image_size, image_size]`
    /// - `time`: `[1]` or `[B]`, in the units of the schedule that it was trained with
    /// - result: `[B, classes]`
    ///
    /// # Panics
    ///
    /// If a shape is another one.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<1>) -> Tensor<2> {
        self.run(x, time, &mut Dropout::off())
    }

    /// The logits in training: dropout masks are the next draws of `noise`, none if it is 0.
    ///
    /// # Shapes
    ///
    /// Those of [`forward`](Self::forward); `noise` has B samples.
    ///
    /// # Panics
    ///
    /// If a shape is another one.
    pub fn forward_training(&self, x: Tensor<4>, time: Tensor<1>, noise: &mut SampleNoise) -> Tensor<2> {
        self.run(x, time, &mut Dropout::new(self.config.trunk.dropout, noise))
    }

    /// The configuration that this network was made from.
    pub fn config(&self) -> &AdmClassifierConfig {
        &self.config
    }

    pub(crate) fn new(config: &AdmClassifierConfig, device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key);
        let (trunk, _) = AdmTrunk::new(&config.trunk, init);
        let (width, pixels) = (config.trunk.deepest(), config.trunk.smallest().pow(2));
        let norm_out = init.adm_norm(width);
        let widths = [width, config.classes];
        let (pool, head) = match config.pool {
            AdmPool::Attention { head_channels } => {
                (Some(AttentionPool::new(widths, pixels, width / head_channels, init)), None)
            }
            AdmPool::Adaptive => (None, Some(init.adm_zero_conv(widths, 1))),
        };
        AdmClassifier { trunk, norm_out, pool, head, config: config.clone() }
    }

    fn run(&self, x: Tensor<4>, time: Tensor<1>, dropout: &mut Dropout<'_>) -> Tensor<2> {
        check_input(self.config.trunk.input(), x.dims(), time.dims()).unwrap_or_else(|error| panic!("{error}"));
        let embedding = self.trunk.embed(time);
        let (h, _) = self.trunk.forward(x, &embedding, dropout);
        let h = normalise(&self.norm_out, h, Activation::Silu);
        match (&self.pool, &self.head) {
            (Some(pool), _) => pool.forward(h),
            (None, Some(head)) => convolve_rows(head, h.flatten::<3>(1, 2).mean_dim(1).squeeze_dim(1)),
            (None, None) => unreachable!("a classifier is made with a pooling or a head"),
        }
    }
}

impl AdmClassifierConfig {
    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// What [`validate`](Self::validate) finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<AdmClassifier, NetworkError> {
        self.validate()?;
        Ok(AdmClassifier::new(self, device, key))
    }
}
