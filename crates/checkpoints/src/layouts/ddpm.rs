//! The DDPM U-Net's layers, which its layouts name and order differently.

use undrift_networks::{DdpmUnetConfig, Mismatch, NetworkError, Resampling};

use crate::{CheckpointError, Entry, Shapes};

/// How a layout calls the layers inside of blocks.
pub(crate) struct Words {
    /// The projection of the time embedding.
    pub(crate) time: &'static str,
    /// The 1x1 convolution around a block.
    pub(crate) shortcut: &'static str,
    /// Attention's norm, query, key, value and output.
    pub(crate) attention: [&'static str; 5],
    /// Whether attention keeps matrices instead of 1x1 convolutions.
    pub(crate) matrices: bool,
}

/// Entries in the order in which they are written.
pub(crate) struct Writer {
    words: Words,
    time_width: usize,
    entries: Vec<Entry>,
}

/// The blocks of one resolution on the way down or up.
pub(crate) struct Level {
    /// Channels in and out of each block.
    pub(crate) blocks: Vec<[usize; 2]>,
    /// Whether attention follows each block.
    pub(crate) attends: bool,
    /// Width of the convolution that changes the resolution, if there is one.
    pub(crate) resample: Option<usize>,
}

impl Writer {
    pub(crate) fn new(words: Words, config: &DdpmUnetConfig) -> Self {
        Writer { words, time_width: 4 * config.base, entries: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Entry> {
        self.entries
    }

    pub(crate) fn norm(&mut self, theirs: &str, ours: &str, width: usize) {
        self.push([theirs, "weight"], [ours, "gamma"], vec![width], false);
        self.push([theirs, "bias"], [ours, "beta"], vec![width], false);
    }

    pub(crate) fn conv(&mut self, theirs: &str, ours: &str, [from, to]: [usize; 2], kernel: usize) {
        self.weighted(theirs, ours, vec![to, from, kernel, kernel], false);
    }

    pub(crate) fn dense(&mut self, theirs: &str, ours: &str, [from, to]: [usize; 2]) {
        self.weighted(theirs, ours, vec![to, from], true);
    }

    /// A residual block.
    pub(crate) fn block(&mut self, theirs: &str, ours: &str, widths: [usize; 2]) {
        let [from, to] = widths;
        let (time, shortcut) = (self.words.time, self.words.shortcut);
        self.norm(&format!("{theirs}.norm1"), &format!("{ours}.norm1"), from);
        self.conv(&format!("{theirs}.conv1"), &format!("{ours}.conv1"), widths, 3);
        self.dense(&format!("{theirs}.{time}"), &format!("{ours}.time"), [self.time_width, to]);
        self.norm(&format!("{theirs}.norm2"), &format!("{ours}.norm2"), to);
        self.conv(&format!("{theirs}.conv2"), &format!("{ours}.conv2"), [to, to], 3);
        if from != to {
            self.conv(&format!("{theirs}.{shortcut}"), &format!("{ours}.shortcut"), widths, 1);
        }
    }

    /// A self-attention.
    pub(crate) fn attention(&mut self, theirs: &str, ours: &str, width: usize) {
        let [norm, projections @ ..] = self.words.attention;
        self.norm(&format!("{theirs}.{norm}"), &format!("{ours}.norm"), width);
        for (their_part, our_part) in projections.into_iter().zip(["query", "key", "value", "out"]) {
            let (theirs, ours) = (format!("{theirs}.{their_part}"), format!("{ours}.{our_part}"));
            let shape = if self.words.matrices { vec![width; 2] } else { vec![width, width, 1, 1] };
            self.weighted(&theirs, &ours, shape, false);
        }
    }

    fn weighted(&mut self, theirs: &str, ours: &str, shape: Vec<usize>, transposed: bool) {
        let bias = vec![shape[0]];
        self.push([theirs, "weight"], [ours, "weight"], shape, transposed);
        self.push([theirs, "bias"], [ours, "bias"], bias, false);
    }

    fn push(&mut self, theirs: [&str; 2], ours: [&str; 2], shape: Vec<usize>, transposed: bool) {
        self.entries.push(Entry { theirs: theirs.join("."), ours: ours.join("."), shape, transposed });
    }
}

/// The levels on the way down, finest first.
pub(crate) fn down(config: &DdpmUnetConfig) -> Vec<Level> {
    let widths = &config.widths;
    let level = |index: usize| {
        let to = widths[index];
        let from = if index == 0 { config.base } else { widths[index - 1] };
        let blocks = (0..config.blocks).map(|block| [if block == 0 { from } else { to }, to]).collect();
        Level { blocks, attends: attends(config, index), resample: resample(config, index + 1 < widths.len(), to) }
    };
    (0..widths.len()).map(level).collect()
}

/// The levels on the way up, deepest first.
///
/// A block gets what came up and one skip; the skips of a level are the outputs of its blocks and, last, what the
/// level began with.
pub(crate) fn up(config: &DdpmUnetConfig) -> Vec<Level> {
    let widths = &config.widths;
    let level = |index: usize| {
        let to = widths[index];
        let below = *widths.get(index + 1).unwrap_or(&to);
        let start = if index == 0 { config.base } else { widths[index - 1] };
        let came = |block: usize| if block == 0 { below } else { to };
        let skip = |block: usize| if block == config.blocks { start } else { to };
        let blocks = (0..=config.blocks).map(|block| [came(block) + skip(block), to]).collect();
        Level { blocks, attends: attends(config, index), resample: resample(config, index > 0, to) }
    };
    (0..widths.len()).rev().map(level).collect()
}

/// Width of the deepest level.
pub(crate) fn deepest(config: &DdpmUnetConfig) -> usize {
    config.widths.last().copied().unwrap_or(config.base)
}

/// The image size of the released models with these widths and attention, if there are any.
///
/// CIFAR-10 has 32, CelebA 64, LSUN and CelebA-HQ 256; all of them attend at 16 pixels.
///
/// Source: the configurations of Ho, Jain, Abbeel 2020, arXiv:2006.11239, and of Song, Meng, Ermon 2021,
/// arXiv:2010.02502.
pub(crate) fn released_size(widths: &[usize], attending: &[usize]) -> Option<usize> {
    match (widths, attending) {
        ([128, 256, 256, 256], [1]) => Some(32),
        ([128, 256, 256, 256, 512], [2]) => Some(64),
        ([128, 128, 256, 256, 512, 512], [4]) => Some(256),
        _ => None,
    }
}

/// A level's resolution, 0 for one that is too deep for the image.
pub(crate) fn resolution(image_size: usize, level: usize) -> usize {
    u32::try_from(level).ok().and_then(|level| image_size.checked_shr(level)).unwrap_or(0)
}

/// Channels out of and into the convolution of this name.
///
/// # Errors
///
/// [`NetworkError::Mismatch`] if there is none, or if it is no convolution of images.
pub(crate) fn channels(shapes: &Shapes, name: &str) -> Result<[usize; 2], CheckpointError> {
    match shapes.get(name).map(Vec::as_slice) {
        Some(&[to, from, _, _]) => Ok([to, from]),
        _ => {
            let missing = vec![name.to_owned()];
            Err(NetworkError::Mismatch(Mismatch { missing, ..Mismatch::default() }).into())
        }
    }
}

/// How many tensors there are whose names differ by a number only, which counts from 0.
pub(crate) fn counted(shapes: &Shapes, name: impl Fn(usize) -> String) -> usize {
    (0..).take_while(|index| shapes.contains_key(&name(*index))).count()
}

fn attends(config: &DdpmUnetConfig, level: usize) -> bool {
    config.attention.contains(&resolution(config.image_size, level))
}

fn resample(config: &DdpmUnetConfig, changes: bool, width: usize) -> Option<usize> {
    (changes && config.resampling != Resampling::Plain).then_some(width)
}
