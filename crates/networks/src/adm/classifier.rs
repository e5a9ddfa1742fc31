//! The classifier of noised images of guided-diffusion.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use undrift_kernels::Activation;
use undrift_noise::Key;

use super::attention_pool::AttentionPool;
use super::encoder::Encoder;
use super::time::Conditioning;
use super::{AdmClassifierConfig, AdmPool};
use crate::dropout::Dropout;
use crate::fused::{convolve, normalise};
use crate::initialiser::Initialiser;

/// The down half of an ADM U-Net with a pooled head: which class a noised image is of.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, section 4 and code (`EncoderUNetModel`).
#[derive(Module, Debug)]
pub struct AdmClassifier {
    time: Conditioning,
    encoder: Encoder,
    norm_out: GroupNorm,
    mean: Option<Conv2d>,
    attention: Option<AttentionPool>,
    #[module(skip)]
    config: AdmClassifierConfig,
}

impl AdmClassifier {
    /// The logits of every class; differentiable in `x` on an autodiff device.
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
        self.config.shape.check(x.dims(), time.dims(), None);
        let time = self.time.forward(time, None);
        let h = self.encoder.forward(x.permute([0, 2, 3, 1]), &time, &mut Dropout::off(), &mut Vec::new());
        let h = normalise(&self.norm_out, h, Activation::Silu);
        match (&self.attention, &self.mean) {
            (Some(pool), _) => pool.forward(h),
            (_, Some(head)) => pooled(head, h),
            (None, None) => unreachable!("one of the two is made"),
        }
    }

    /// The configuration that this network was made from.
    pub fn config(&self) -> &AdmClassifierConfig {
        &self.config
    }

    pub(super) fn new(config: &AdmClassifierConfig, device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key);
        let (shape, widths) = (&config.shape, config.shape.widths());
        let width = widths[widths.len() - 1];
        let time = Conditioning::new(shape.base, None, init);
        let encoder = Encoder::new(shape, &mut Vec::new(), init);
        let norm_out = init.group_norm_32(width);
        let size = shape.image_size >> (widths.len() - 1);
        let attends = config.pool == AdmPool::Attention;
        let attention = attends.then(|| AttentionPool::new(size, width, shape.heads.at(width), config.classes, init));
        let mean = (!attends).then(|| init.zero_conv([width, config.classes], 1));
        AdmClassifier { time, encoder, norm_out, mean, attention, config: config.clone() }
    }
}

/// The mean of all positions through a dense layer: `[B, H, W, C]` to `[B, out]`.
fn pooled(head: &Conv2d, x: Tensor<4>) -> Tensor<2> {
    let [batch, height, width, channels] = x.dims();
    let mean = x.reshape([batch, height * width, channels]).mean_dim(1);
    let logits = convolve(head, mean.reshape([batch, 1, 1, channels]));
    let classes = logits.dims()[3];
    logits.reshape([batch, classes])
}
