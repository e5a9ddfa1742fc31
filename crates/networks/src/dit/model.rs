//! The diffusion transformer: from an image to tokens and back.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use serde_json::Value;
use undrift_noise::{Key, SampleNoise};

use super::DitConfig;
use super::block::Block;
use super::conditioning::Conditioning;
use super::layers::{Start, dense, modulated, patches};
use crate::backbone::check_input;
use crate::fused::{convolve, convolve_rows};
use crate::initialiser::Initialiser;
use crate::{AnyNetwork, Architecture, Backbone, Condition, ConditionKind, Mode, NetworkError};

/// The diffusion transformer, made by [`DitConfig::init`].
///
/// Its input is a latent image; the autoencoder that makes pictures of it is not part of this crate.
///
/// Source: Peebles, Xie 2022, arXiv:2212.09748, and code (`DiT`).
#[derive(Module, Debug)]
pub struct Dit {
    patches: Conv2d,
    positions: Param<Tensor<3>>,
    conditioning: Conditioning,
    blocks: Vec<Block>,
    modulation: Conv2d,
    out: Conv2d,
    #[module(skip)]
    config: DitConfig,
}

impl Dit {
    /// The network's output in inference: no label is dropped.
    ///
    /// A batch at one time gives it as a single entry; sample i is the same, bit for bit, in a batch of any size.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, in_channels, input_size, input_size]`
    /// - `time`: `[1]` or `[B]`, in the units of the schedule that it was trained with
    /// - `labels`: one per image, a class or [`DitConfig::null_label`]
    /// - result: `[B, out_channels, input_size, input_size]`
    ///
    /// # Panics
    ///
    /// If a shape is another one or a label does not exist.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<1>, labels: &[usize]) -> Tensor<4> {
        check_input(self.config.input(), x.dims(), time.dims()).unwrap_or_else(|error| panic!("{error}"));
        let batch = x.dims()[0];
        assert!(labels.len() == batch, "a batch of {batch} images takes {batch} labels, not {}", labels.len());
        self.run(x, time, labels)
    }

    /// The network's output in training: labels are dropped by the next draw of `noise`.
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
        labels: &[usize],
        noise: &mut SampleNoise,
    ) -> Tensor<4> {
        let class = |label: &usize| (Some(*label) != self.config.null_label()).then_some(*label as u32);
        let condition = Condition::Classes(labels.iter().map(class).collect());
        Backbone::forward(self, x, time, &condition, Mode::Training(noise)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The released code's classifier-free guidance: the noise of the first three channels is
    /// `unconditional + scale * (conditional - unconditional)`, all other channels are the conditional ones.
    ///
    /// Three, although a latent image has four channels: kept for exact reproduction of the released
    /// samples. (The released function wants the batch twice and gives it twice, the second time with the
    /// unconditional other channels, which its sampler then throws away.)
    ///
    /// # Shapes
    ///
    /// Those of [`forward`](Self::forward).
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward), and if the network has no null label.
    pub fn forward_with_cfg(&self, x: Tensor<4>, time: Tensor<1>, labels: &[usize], scale: f64) -> Tensor<4> {
        let null = self.config.null_label().expect("guidance needs a network that was trained with label dropout");
        let conditional = self.forward(x.clone(), time.clone(), labels);
        let unconditional = self.forward(x, time, &vec![null; labels.len()]);
        let channels = conditional.dims()[1];
        let guided = channels.min(GUIDED);
        let [sure, open] = [&conditional, &unconditional].map(|output| output.clone().narrow(1, 0, guided));
        let eps = open.clone().add(sure.sub(open).mul_scalar(scale));
        if guided == channels {
            return eps;
        }
        Tensor::cat(vec![eps, conditional.narrow(1, guided, channels - guided)], 1)
    }

    /// The configuration that this network was made from.
    pub fn config(&self) -> &DitConfig {
        &self.config
    }

    pub(super) fn new(config: &DitConfig, device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key);
        let (width, patch) = (config.width, config.patch);
        let table = config.clone();
        let values = move |_| table.position_table().iter::<f32>().collect();
        Dit {
            patches: patches([config.in_channels, width], patch, Start::Xavier, init),
            positions: init.fixed([1, config.grid() * config.grid(), width], values),
            conditioning: Conditioning::new(config, init),
            blocks: (0..config.depth).map(|_| Block::new(config, init)).collect(),
            modulation: dense([width, 2 * width], Start::Zero, init),
            out: dense([width, patch * patch * config.out_channels()], Start::Zero, init),
            config: config.clone(),
        }
    }

    fn run(&self, x: Tensor<4>, time: Tensor<1>, labels: &[usize]) -> Tensor<4> {
        let by = self.conditioning.forward(time, labels);
        let [batch, ..] = x.dims();
        let (grid, width) = (self.config.grid(), self.config.width);
        let tokens = convolve(&self.patches, x.permute([0, 2, 3, 1])).reshape([batch, grid * grid, width]);
        let mut h = tokens.add(self.positions.val()).reshape([batch, grid * grid, 1, width]);
        for block in &self.blocks {
            h = block.forward(h, by.clone());
        }
        let parts = convolve_rows(&self.modulation, by).chunk(2, 1);
        self.image_of(convolve(&self.out, modulated(h, parts[0].clone(), parts[1].clone())))
    }

    /// Tokens `[B, L, 1, patch * patch * channels]` as the image that they are patches of.
    fn image_of(&self, tokens: Tensor<4>) -> Tensor<4> {
        let [batch, ..] = tokens.dims();
        let (grid, patch, channels) = (self.config.grid(), self.config.patch, self.config.out_channels());
        let patches = tokens.reshape([batch, grid, grid, patch, patch, channels]);
        patches.permute([0, 5, 1, 3, 2, 4]).reshape([batch, channels, grid * patch, grid * patch])
    }
}

impl Backbone<4> for Dit {
    /// In training each label is lost with the configuration's own probability.
    fn forward(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        condition: &Condition,
        mode: Mode<'_>,
    ) -> Result<Tensor<4>, NetworkError> {
        let batch = x.dims()[0];
        check_input(self.config.input(), x.dims(), time.dims())?;
        self.knows().check(condition, batch)?;
        mode.check(batch)?;
        let condition = match mode {
            Mode::Evaluation => condition.clone(),
            Mode::Training(noise) => condition.dropped(self.config.label_dropout, noise, &x.device())?,
        };
        let labels = condition.labels(self.config.null_label()).unwrap_or_default();
        Ok(self.run(x, time, &labels))
    }

    fn knows(&self) -> ConditionKind {
        self.config.condition()
    }
}

impl DitConfig {
    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// What [`validate`](Self::validate) finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<Dit, NetworkError> {
        self.validate()?;
        Ok(Dit::new(self, device, key))
    }
}

impl Architecture for DitConfig {
    fn network(&self, device: &Device, key: Key) -> Result<AnyNetwork<4>, NetworkError> {
        self.init(device, key).map(AnyNetwork::new)
    }

    fn input(&self) -> [usize; 3] {
        [self.in_channels, self.input_size, self.input_size]
    }

    fn output(&self) -> [usize; 3] {
        [self.out_channels(), self.input_size, self.input_size]
    }

    fn condition(&self) -> ConditionKind {
        ConditionKind::Classes { count: self.classes as u32, may_be_lost: self.null_label().is_some() }
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a configuration of numbers and names is JSON")
    }

    fn sentence(&self) -> String {
        let DitConfig { input_size, patch, in_channels, width, depth, heads, classes, label_dropout, .. } = self;
        format!(
            "The diffusion transformer for {in_channels} channels of {input_size}x{input_size}: patches of {patch}x{patch}, \
             {depth} blocks of width {width} with {heads} heads, {classes} classes, labels dropped at {label_dropout}.",
        )
    }
}

/// Channels that the released code guides.
const GUIDED: usize = 3;
