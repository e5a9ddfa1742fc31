//! The way down and the middle, which ADM's U-Net and classifier have in common.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::concat_channels;

use crate::adm::attention_block::AttentionBlock;
use crate::adm::embedding::TimeEmbedding;
use crate::adm::resample::Resample;
use crate::adm::residual_block::ResidualBlock;
use crate::adm::resolution::Resolution;
use crate::adm::{AdmHeads, AdmTrunkConfig};
use crate::dropout::Dropout;
use crate::fused::convolve;
use crate::initialiser::Initialiser;

/// The embedding of time, the way down and the middle.
#[derive(Module, Debug)]
pub(crate) struct AdmTrunk {
    time: TimeEmbedding,
    conv_in: Conv2d,
    down: Vec<Level>,
    middle: Middle,
}

impl AdmTrunk {
    /// The trunk, and the width of every skip in the order in which they are made.
    pub(crate) fn new(config: &AdmTrunkConfig, init: &mut Initialiser) -> (Self, Vec<usize>) {
        let mut skips = vec![config.widths[0]];
        let time = TimeEmbedding::new(config.base, init);
        let conv_in = init.adm_conv([config.in_channels, config.widths[0]], 3);
        let down = down_levels(config, &mut skips, init);
        let middle = Middle::new(config, init);
        (AdmTrunk { time, conv_in, down, middle }, skips)
    }

    pub(crate) fn embed(&self, time: Tensor<1>) -> Tensor<2> {
        self.time.forward(time)
    }

    /// The middle's output and the skips, all `[B, H, W, C]`, from an image `[B, C, H, W]`.
    pub(crate) fn forward(
        &self,
        x: Tensor<4>,
        embedding: &Tensor<2>,
        dropout: &mut Dropout<'_>,
    ) -> (Tensor<4>, Vec<Tensor<4>>) {
        let mut h = convolve(&self.conv_in, x.permute([0, 2, 3, 1]));
        let mut skips = vec![h.clone()];
        for level in &self.down {
            h = level.down(h, embedding, dropout, &mut skips);
        }
        (self.middle.forward(h, embedding, dropout), skips)
    }
}

/// One resolution: blocks with or without attention, then a change of resolution except at the end.
#[derive(Module, Debug)]
pub(crate) struct Level {
    stages: Vec<Stage>,
    resample: Option<Resample>,
}

/// A residual block and, at the rates asked for, the attention after it.
#[derive(Module, Debug)]
struct Stage {
    block: ResidualBlock,
    attention: Option<AttentionBlock>,
}

/// The bottom of the U: attention between two residual blocks.
#[derive(Module, Debug)]
struct Middle {
    first: ResidualBlock,
    attention: AttentionBlock,
    last: ResidualBlock,
}

impl Level {
    fn down(
        &self,
        mut h: Tensor<4>,
        embedding: &Tensor<2>,
        dropout: &mut Dropout<'_>,
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for stage in &self.stages {
            h = stage.forward(h, embedding, dropout);
            skips.push(h.clone());
        }
        if let Some(resample) = &self.resample {
            h = resample.forward(h, embedding, dropout);
            skips.push(h.clone());
        }
        h
    }

    /// Takes a skip from the end for every stage.
    pub(crate) fn up(
        &self,
        mut h: Tensor<4>,
        embedding: &Tensor<2>,
        dropout: &mut Dropout<'_>,
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for stage in &self.stages {
            let skip = skips.pop().expect("the way down left one skip for every stage of the way up");
            h = stage.forward(concat_channels(h, skip), embedding, dropout);
        }
        match &self.resample {
            Some(resample) => resample.forward(h, embedding, dropout),
            None => h,
        }
    }
}

impl Stage {
    fn new(widths: [usize; 2], level: usize, heads: AdmHeads, config: &AdmTrunkConfig, init: &mut Initialiser) -> Self {
        let attends = config.attends(level);
        Stage {
            block: ResidualBlock::new(widths, Resolution::Kept, config, init),
            attention: attends.then(|| AttentionBlock::new(widths[1], heads, config.new_attention_order, init)),
        }
    }

    fn forward(&self, x: Tensor<4>, embedding: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = self.block.forward(x, embedding, dropout);
        match &self.attention {
            Some(attention) => attention.forward(h),
            None => h,
        }
    }
}

impl Middle {
    fn new(config: &AdmTrunkConfig, init: &mut Initialiser) -> Self {
        let width = config.deepest();
        Middle {
            first: ResidualBlock::new([width, width], Resolution::Kept, config, init),
            attention: AttentionBlock::new(width, config.heads, config.new_attention_order, init),
            last: ResidualBlock::new([width, width], Resolution::Kept, config, init),
        }
    }

    fn forward(&self, x: Tensor<4>, embedding: &Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        let h = self.attention.forward(self.first.forward(x, embedding, dropout));
        self.last.forward(h, embedding, dropout)
    }
}

/// The way down; appends the width of every skip.
fn down_levels(config: &AdmTrunkConfig, skips: &mut Vec<usize>, init: &mut Initialiser) -> Vec<Level> {
    let mut from = config.widths[0];
    let mut levels = Vec::new();
    for (index, &to) in config.widths.iter().enumerate() {
        let mut stages = Vec::new();
        for _ in 0..config.blocks {
            stages.push(Stage::new([from, to], index, config.heads, config, init));
            skips.push(to);
            from = to;
        }
        let last = index + 1 == config.widths.len();
        let resample = (!last).then(|| {
            skips.push(to);
            Resample::new(to, Resolution::Halved, config, init)
        });
        levels.push(Level { stages, resample });
    }
    levels
}

/// The way up, deepest level first; `skips` are widths, taken from the end.
pub(crate) fn up_levels(
    config: &AdmTrunkConfig,
    heads: AdmHeads,
    mut skips: Vec<usize>,
    init: &mut Initialiser,
) -> Vec<Level> {
    let mut from = config.deepest();
    let mut levels = Vec::new();
    for (index, &to) in config.widths.iter().enumerate().rev() {
        let mut stages = Vec::new();
        for skip in skips.split_off(skips.len() - (config.blocks + 1)).iter().rev() {
            stages.push(Stage::new([from + skip, to], index, heads, config, init));
            from = to;
        }
        let resample = (index > 0).then(|| Resample::new(to, Resolution::Doubled, config, init));
        levels.push(Level { stages, resample });
    }
    levels
}
