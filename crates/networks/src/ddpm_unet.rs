//! The U-Net of DDPM: how levels, blocks and skips are put together.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use serde_json::Value;
use undrift_kernels::{Activation, concat_channels};
use undrift_noise::{Key, SampleNoise};

use crate::attention::SelfAttention;
use crate::backbone::check_input;
use crate::dropout::Dropout;
use crate::fused::{convolve, normalise};
use crate::initialiser::{Initialiser, ONE, ZERO};
use crate::resampling::{double, halve};
use crate::residual_block::ResidualBlock;
use crate::time_embedding::TimeEmbedding;
use crate::{AnyNetwork, Architecture, Backbone, Condition, ConditionKind, DdpmUnetConfig, Mode, NetworkError};

/// The U-Net of DDPM, made by [`DdpmUnetConfig::init`].
///
/// By default it is the network of the paper's code: stride-2 convolutions that pad below and to the right only,
/// upsampling by repetition, group normalisation with epsilon 1e-6, one attention head, and last layers
/// of every branch that start as good as zero.
///
/// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, appendix B and code (`models/unet.py`).
#[derive(Module, Debug)]
pub struct DdpmUnet {
    time: TimeEmbedding,
    conv_in: Conv2d,
    down: Vec<Level>,
    middle: Middle,
    up: Vec<Level>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
    #[module(skip)]
    config: DdpmUnetConfig,
}

impl DdpmUnet {
    /// The network's output in inference: no dropout, also on an autodiff device.
    ///
    /// A batch at one time gives it as a single entry. It is then embedded once and broadcast, so that
    /// sample i is the same, bit for bit, in a batch of any size. (Where attention is
    /// composed of Burn's operations, an autodiff device differs from a plain one in the last digits.)
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, in_channels, image_size, image_size]`
    /// - `time`: `[1]` or `[B]`, in the units of the schedule that it was trained with
    /// - result: `[B, out_channels, image_size, image_size]`
    ///
    /// # Panics
    ///
    /// If a shape is another one.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<1>) -> Tensor<4> {
        self.expect(&x, &time);
        self.run(x, time, &mut Dropout::off())
    }

    /// The network's output in training: dropout masks are the next draws of `noise`, none if it is 0.
    ///
    /// # Shapes
    ///
    /// Those of [`forward`](Self::forward); `noise` has B samples.
    ///
    /// # Panics
    ///
    /// If a shape is another one.
    pub fn forward_training(&self, x: Tensor<4>, time: Tensor<1>, noise: &mut SampleNoise) -> Tensor<4> {
        self.expect(&x, &time);
        self.run(x, time, &mut Dropout::new(self.config.dropout, noise))
    }

    /// The configuration that this network was made from.
    pub fn config(&self) -> &DdpmUnetConfig {
        &self.config
    }

    pub(crate) fn new(config: &DdpmUnetConfig, device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key).with_norm_epsilon(config.norm_epsilon);
        let (base, groups) = (config.base, config.groups);
        let mut widths = vec![base];
        let time = TimeEmbedding::new(base, config.sinusoids, init);
        let conv_in = init.conv([config.in_channels, base], 3, ONE);
        let down = down_levels(config, &mut widths, init);
        let deepest = config.widths[config.widths.len() - 1];
        let middle = Middle::new(deepest, config, init);
        let up = up_levels(config, deepest, widths, init);
        let width_out = config.widths[0];
        let norm_out = init.group_norm(width_out, groups);
        let conv_out = init.conv([width_out, config.out_channels], 3, ZERO);
        let config = config.clone();
        DdpmUnet { time, conv_in, down, middle, up, norm_out, conv_out, config }
    }

    fn run(&self, x: Tensor<4>, time: Tensor<1>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let time = self.time.forward(time);
        let mut h = convolve(&self.conv_in, x.permute([0, 2, 3, 1]));
        let mut skips = vec![h.clone()];
        for level in &self.down {
            h = level.down(h, &time, dropout, &mut skips);
        }
        h = self.middle.forward(h, &time, dropout);
        for level in &self.up {
            h = level.up(h, &time, dropout, &mut skips);
        }
        let h = normalise(&self.norm_out, h, Activation::Silu);
        convolve(&self.conv_out, h).permute([0, 3, 1, 2])
    }

    fn expect(&self, x: &Tensor<4>, time: &Tensor<1>) {
        check_input(self.config.input(), x.dims(), time.dims()).unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Backbone<4> for DdpmUnet {
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
        Ok(self.run(x, time, &mut mode.dropout(self.config.dropout)))
    }

    fn knows(&self) -> ConditionKind {
        self.config.condition()
    }
}

impl DdpmUnetConfig {
    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// What [`validate`](Self::validate) finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<DdpmUnet, NetworkError> {
        self.validate()?;
        Ok(DdpmUnet::new(self, device, key))
    }
}

impl Architecture for DdpmUnetConfig {
    fn network(&self, device: &Device, key: Key) -> Result<AnyNetwork<4>, NetworkError> {
        self.init(device, key).map(AnyNetwork::new)
    }

    fn input(&self) -> [usize; 3] {
        [self.in_channels, self.image_size, self.image_size]
    }

    fn output(&self) -> [usize; 3] {
        [self.out_channels, self.image_size, self.image_size]
    }

    fn condition(&self) -> ConditionKind {
        ConditionKind::None
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a configuration of numbers and names is JSON")
    }

    /// What every block at full resolution gives; training keeps it, and skips do in evaluation.
    fn held(&self) -> (usize, usize) {
        let finest = self.widths[0].saturating_mul(self.image_size * self.image_size);
        (finest.saturating_mul(2 * self.blocks + 1), finest.saturating_mul(self.blocks + 1))
    }

    fn sentence(&self) -> String {
        let list = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let elsewhere = match self.attention.as_slice() {
            [] => String::new(),
            pixels => format!(" and at {} pixels", list(pixels)),
        };
        format!(
            "The U-Net of DDPM for {} channel(s) of {size}x{size}: levels of {} channels, {} residual block(s) each, \
             attention in the middle{elsewhere}, {} groups, dropout {}.",
            self.in_channels,
            list(&self.widths),
            self.blocks,
            self.groups,
            self.dropout,
            size = self.image_size,
        )
    }
}

/// One resolution: blocks with or without attention, then a change of resolution except at the end.
#[derive(Module, Debug)]
struct Level {
    stages: Vec<Stage>,
    /// The convolution of the change of resolution, where it has one.
    resample: Option<Conv2d>,
    changes: bool,
}

/// A residual block and, at the resolutions asked for, the attention after it.
#[derive(Module, Debug)]
struct Stage {
    block: ResidualBlock,
    attention: Option<SelfAttention>,
}

/// The bottom of the U: two residual blocks, with attention between them unless it is turned off.
#[derive(Module, Debug)]
struct Middle {
    first: ResidualBlock,
    attention: Option<SelfAttention>,
    last: ResidualBlock,
}

impl Level {
    /// Every output of a stage or of the change of resolution is a skip.
    fn down(
        &self,
        mut h: Tensor<4>,
        time: &Tensor<2>,
        dropout: &mut Dropout<'_>,
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for stage in &self.stages {
            h = stage.forward(h, time, dropout);
            skips.push(h.clone());
        }
        if self.changes {
            h = halve(self.resample.as_ref(), h);
            skips.push(h.clone());
        }
        h
    }

    fn up(
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
        if self.changes { double(self.resample.as_ref(), h) } else { h }
    }
}

impl Stage {
    fn new(widths: [usize; 2], resolution: usize, config: &DdpmUnetConfig, init: &mut Initialiser) -> Self {
        let attends = config.attention.contains(&resolution);
        Stage {
            block: ResidualBlock::new(widths, 4 * config.base, config.groups, init),
            attention: attends.then(|| attention(widths[1], config, init)),
        }
    }

    fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        attended(self.attention.as_ref(), self.block.forward(x, time, dropout))
    }
}

impl Middle {
    fn new(width: usize, config: &DdpmUnetConfig, init: &mut Initialiser) -> Self {
        let time_width = 4 * config.base;
        Middle {
            first: ResidualBlock::new([width, width], time_width, config.groups, init),
            attention: config.middle_attention.then(|| attention(width, config, init)),
            last: ResidualBlock::new([width, width], time_width, config.groups, init),
        }
    }

    fn forward(&self, x: Tensor<4>, time: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = attended(self.attention.as_ref(), self.first.forward(x, time, dropout));
        self.last.forward(h, time, dropout)
    }
}

fn attention(width: usize, config: &DdpmUnetConfig, init: &mut Initialiser) -> SelfAttention {
    SelfAttention::new(width, config.groups, config.heads(width), init)
}

fn attended(attention: Option<&SelfAttention>, h: Tensor<4>) -> Tensor<4> {
    match attention {
        Some(attention) => attention.forward(h),
        None => h,
    }
}

/// The way down; appends the width of every skip to `widths`, which holds the input convolution's.
fn down_levels(config: &DdpmUnetConfig, widths: &mut Vec<usize>, init: &mut Initialiser) -> Vec<Level> {
    let (mut from, resolutions) = (config.base, config.resolutions());
    let mut levels = Vec::new();
    for (index, &to) in config.widths.iter().enumerate() {
        let mut stages = Vec::new();
        for _ in 0..config.blocks {
            stages.push(Stage::new([from, to], resolutions[index], config, init));
            widths.push(to);
            from = to;
        }
        let changes = index + 1 < config.widths.len();
        let resample = if changes { config.resampling.halving(to, init) } else { None };
        widths.extend(changes.then_some(to));
        levels.push(Level { stages, resample, changes });
    }
    levels
}

/// The way up, deepest level first; `widths` are those of the skips, taken from the end.
fn up_levels(config: &DdpmUnetConfig, mut from: usize, mut widths: Vec<usize>, init: &mut Initialiser) -> Vec<Level> {
    let resolutions = config.resolutions();
    let mut levels = Vec::new();
    for (index, &to) in config.widths.iter().enumerate().rev() {
        let skips = widths.split_off(widths.len() - (config.blocks + 1));
        let mut stages = Vec::new();
        for skip in skips.iter().rev() {
            stages.push(Stage::new([from + skip, to], resolutions[index], config, init));
            from = to;
        }
        let changes = index > 0;
        let resample = if changes { config.resampling.doubling(to, init) } else { None };
        levels.push(Level { stages, resample, changes });
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Resampling, Sinusoids, apply_parameters, collect_parameters, parameter_shapes};
    use burn::tensor::TensorData;
    use undrift_noise::Purpose;

    fn count(config: DdpmUnetConfig) -> usize {
        // Parameters are made when first read, so that counting them allocates none.
        config.init(&Device::flex(), Key::new(0, Purpose::Initialisation)).unwrap().num_params()
    }

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let cifar = DdpmUnetConfig::cifar10;
        assert_eq!(count(cifar()), 35_746_307);
        assert_eq!(count(DdpmUnetConfig { out_channels: 6, ..cifar() }), 35_749_766);
        assert_eq!(count(DdpmUnetConfig::lsun256()), 113_673_219);
        assert_eq!(count(cifar().with_multiples(64, &[1, 2, 2, 2])), 8_952_067);
        assert_eq!(count(cifar().with_multiples(32, &[1, 2, 2, 2])), 2_245_763);
        assert_eq!(count(DdpmUnetConfig { groups: 16, ..cifar().with_multiples(16, &[1, 2, 2, 2]) }), 565_315);
    }

    #[test]
    fn the_last_layer_of_every_branch_starts_near_zero() {
        let config = DdpmUnetConfig { groups: 16, ..DdpmUnetConfig::cifar10().with_multiples(16, &[1, 2, 2, 2]) };
        let net = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation)).unwrap();
        let last = ["conv2.weight", "attention.out.weight", "conv_out.weight"];
        for (name, data) in collect_parameters(&net) {
            let largest = data.as_slice::<f32>().unwrap().iter().fold(0f32, |a, v| a.max(v.abs()));
            let small = last.iter().any(|end| name.ends_with(end));
            let zero = name.ends_with("bias") || name.ends_with("beta");
            let expected = if zero {
                0.0..=0.0
            } else if small {
                1e-9..=1e-5
            } else {
                1e-2..=1.0
            };
            assert!(expected.contains(&largest), "{name}: {largest}");
        }
    }

    fn small() -> DdpmUnetConfig {
        DdpmUnetConfig {
            image_size: 8,
            base: 8,
            widths: vec![8, 16],
            blocks: 1,
            attention: vec![4],
            groups: 4,
            ..DdpmUnetConfig::cifar10()
        }
    }

    /// The output where every parameter of one name has the same values, whatever the configuration.
    fn output(config: DdpmUnetConfig) -> Vec<f32> {
        let net = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation)).unwrap();
        let wave = |name: &str, i: usize| (0.37 * (i * i % 1009) as f32 + name.len() as f32).sin() / 2.0;
        let values = |(name, shape): (String, Vec<usize>)| {
            let count: usize = shape.iter().product();
            let data = TensorData::new((0..count).map(|i| wave(&name, i)).collect(), shape);
            (name, data)
        };
        let parameters: Vec<_> = parameter_shapes(&net).into_iter().map(values).collect();
        let net = apply_parameters(net, parameters).unwrap();
        let pixels = (0..192).map(|i| (0.7 * i as f32).cos()).collect();
        let x = Tensor::from_data(TensorData::new(pixels, [1, 3, 8, 8]), &Device::flex());
        let time = Tensor::from_floats([40.0], &Device::flex());
        net.forward(x, time).into_data().as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn everything_that_later_codes_vary_changes_the_output() {
        let before = output(small());
        let others = [
            DdpmUnetConfig { sinusoids: Sinusoids { cosines_first: true, ..Sinusoids::DDPM }, ..small() },
            DdpmUnetConfig { sinusoids: Sinusoids { shift: 0.0, ..Sinusoids::DDPM }, ..small() },
            DdpmUnetConfig { norm_epsilon: 1e-2, ..small() },
            DdpmUnetConfig { resampling: Resampling::CentredConvolution, ..small() },
            DdpmUnetConfig { resampling: Resampling::Plain, ..small() },
            DdpmUnetConfig { head_channels: Some(4), ..small() },
            DdpmUnetConfig { middle_attention: false, ..small() },
        ];
        for config in others {
            let gap = before.iter().zip(output(config.clone())).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(gap > 1e-4, "{gap}: {config:?}");
        }
        assert_eq!(output(DdpmUnetConfig { head_channels: Some(16), ..small() }), before, "one head is one head");
    }

    #[test]
    fn what_is_turned_off_has_no_parameters() {
        let convolutions = 9 * 8 * 8 + 8 + 9 * 16 * 16 + 16;
        let attention = 4 * (16 * 16 + 16) + 2 * 16;
        let all = count(small());
        assert_eq!(count(DdpmUnetConfig { resampling: Resampling::Plain, ..small() }), all - convolutions);
        assert_eq!(count(DdpmUnetConfig { resampling: Resampling::CentredConvolution, ..small() }), all);
        assert_eq!(count(DdpmUnetConfig { middle_attention: false, ..small() }), all - attention);
    }
}
