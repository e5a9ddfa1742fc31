//! The U-Net of guided-diffusion: the way up and the whole.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use undrift_kernels::{Activation, concat_channels};
use undrift_noise::{Key, SampleNoise};

use super::block::{AdmBlock, Change};
use super::encoder::{Encoder, Stage};
use super::resample::Resample;
use super::time::Conditioning;
use super::{AdmShape, AdmUnetConfig};
use crate::dropout::Dropout;
use crate::fused::{convolve, normalise};
use crate::initialiser::Initialiser;

/// The U-Net of guided-diffusion (ADM), made by [`AdmUnetConfig::init`].
///
/// It is DDPM's U-Net with cosines before sines in the time features, symmetric padding, several heads, and
/// by choice a class, a scale-shift norm and changes of resolution inside residual blocks.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, section 3 and code (`UNetModel`).
#[derive(Module, Debug)]
pub struct AdmUnet {
    time: Conditioning,
    encoder: Encoder,
    up: Vec<Up>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
    #[module(skip)]
    config: AdmUnetConfig,
}

impl AdmUnet {
    /// The network's output in inference: no dropout, also on an autodiff device.
    ///
    /// A batch at one time gives it as a single entry, embedded once; sample i is the same, bit for bit, in a
    /// batch of any size.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, in_channels, image_size, image_size]`
    /// - `time`: `[1]` or `[B]`, in the units of the schedule that it was trained with
    /// - `labels`: one class per image, where the network has classes
    /// - result: `[B, out_channels, image_size, image_size]`
    ///
    /// # Panics
    ///
    /// If a shape is another one, labels are missing or superfluous, or one is no class.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<1>, labels: Option<&[usize]>) -> Tensor<4> {
        self.run(x, time, labels, &mut Dropout::off())
    }

    /// The network's output in training: dropout masks are the next draws of `noise`, none if it is 0.
    ///
    /// # Shapes
    ///
    /// Those of [`forward`](Self::forward); `noise` has B samples.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_training(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        labels: Option<&[usize]>,
        noise: &mut SampleNoise,
    ) -> Tensor<4> {
        self.run(x, time, labels, &mut Dropout::new(self.config.dropout, noise))
    }

    /// The configuration that this network was made from.
    pub fn config(&self) -> &AdmUnetConfig {
        &self.config
    }

    pub(super) fn new(config: &AdmUnetConfig, device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key);
        let (shape, mut skips) = (&config.shape, Vec::new());
        let time = Conditioning::new(shape.base, config.classes, init);
        let encoder = Encoder::new(shape, &mut skips, init);
        let widths = shape.widths();
        let up = up_levels(shape, &widths, skips, init);
        let norm_out = init.group_norm_32(widths[0]);
        let conv_out = init.zero_conv([widths[0], config.out_channels], 3);
        AdmUnet { time, encoder, up, norm_out, conv_out, config: config.clone() }
    }

    fn run(&self, x: Tensor<4>, time: Tensor<1>, labels: Option<&[usize]>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        self.config.shape.check(x.dims(), time.dims(), labels);
        let time = self.time.forward(time, labels);
        let mut skips = Vec::new();
        let mut h = self.encoder.forward(x.permute([0, 2, 3, 1]), &time, dropout, &mut skips);
        for level in &self.up {
            h = level.forward(h, &time, dropout, &mut skips);
        }
        let h = normalise(&self.norm_out, h, Activation::Silu);
        convolve(&self.conv_out, h).permute([0, 3, 1, 2])
    }
}

/// One resolution on the way up: blocks with or without attention, then twice the resolution.
#[derive(Module, Debug)]
struct Up {
    stages: Vec<Stage>,
    double: Option<Double>,
}

/// How the resolution is doubled; one of the two.
#[derive(Module, Debug)]
struct Double {
    block: Option<AdmBlock>,
    plain: Option<Resample>,
}

impl Up {
    fn forward(
        &self,
        mut h: Tensor<4>,
        time: &Tensor<2>,
        dropout: &mut Dropout<'_>,
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for stage in &self.stages {
            let skip = skips.pop().expect("the way down left one skip for every stage of the way up");
            h = stage.forward(concat_channels(h, skip), time, dropout);
        }
        match &self.double {
            Some(double) => double.forward(h, time, dropout),
            None => h,
        }
    }
}

impl Double {
    fn new(width: usize, shape: &AdmShape, init: &mut Initialiser) -> Self {
        let by_block = shape.residual_resampling;
        Double {
            block: by_block.then(|| AdmBlock::new([width, width], Change::Double, shape, init)),
            plain: (!by_block).then(|| Resample::up(width, shape.conv_resampling, init)),
        }
    }

    fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        match (&self.block, &self.plain) {
            (Some(block), _) => block.forward(x, time, dropout),
            (_, Some(plain)) => plain.double(x),
            (None, None) => unreachable!("one of the two is made"),
        }
    }
}

/// The way up, deepest level first; `skips` are their widths, taken from the end.
fn up_levels(shape: &AdmShape, widths: &[usize], mut skips: Vec<usize>, init: &mut Initialiser) -> Vec<Up> {
    let mut from = widths[widths.len() - 1];
    let mut levels = Vec::new();
    for (level, &to) in widths.iter().enumerate().rev() {
        let mut stages = Vec::new();
        for skip in skips.split_off(skips.len() - (shape.blocks + 1)).into_iter().rev() {
            stages.push(Stage::new([from + skip, to], 1 << level, shape, init));
            from = to;
        }
        let double = (level > 0).then(|| Double::new(to, shape, init));
        levels.push(Up { stages, double });
    }
    levels
}
