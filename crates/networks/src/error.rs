//! What can be wrong with a network's configuration or its weights.

use crate::Mismatch;

/// What can be wrong with a network's configuration or with its parameters.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A number that must be at least `least`.
    #[error("{field} is {value}; it must be at least {least}")]
    TooSmall {
        /// The configuration field.
        field: &'static str,
        /// Its value.
        value: usize,
        /// The smallest value that works.
        least: usize,
    },
    /// A number that no machine can hold a network of.
    #[error("{field} is {value}; it must be at most {most}")]
    TooLarge {
        /// The configuration field.
        field: &'static str,
        /// Its value.
        value: usize,
        /// The largest value.
        most: usize,
    },
    /// A list that must not be empty, or a width of zero in it.
    #[error(
        "the widths of the levels (multiples of base, where they are so given) are {value:?}; give one of at least 1 \
         per resolution"
    )]
    Widths {
        /// The list, finest level first.
        value: Vec<usize>,
    },
    /// Widths that are too large for this machine's integers.
    #[error(
        "base {base} with levels of the widths {widths:?} (base times its multipliers) overflows; use smaller ones"
    )]
    TooWide {
        /// The base width.
        base: usize,
        /// Widths of the levels.
        widths: Vec<usize>,
    },
    /// An image that cannot be halved once per level.
    #[error(
        "image_size is {image_size}, which {levels} levels do not divide; use a multiple of \
         {multiple} or fewer levels"
    )]
    ImageSize {
        /// Height and width of the image.
        image_size: usize,
        /// Number of resolutions.
        levels: usize,
        /// 2^(levels - 1).
        multiple: usize,
    },
    /// An attention resolution that the network does not have.
    #[error("attention at resolution {resolution} has no level; the levels are {resolutions:?}")]
    AttentionResolution {
        /// The resolution asked for.
        resolution: usize,
        /// The resolutions of this network.
        resolutions: Vec<usize>,
    },
    /// Patches that do not divide the image.
    #[error("patches of {patch}x{patch} do not divide an image of {input_size}x{input_size}; choose a divisor")]
    Patches {
        /// Height and width of the image.
        input_size: usize,
        /// Height and width of a patch.
        patch: usize,
    },
    /// A width of which no position's sines and cosines can be made.
    #[error("width is {width}; it must be a multiple of 4, for sines and cosines of rows and columns")]
    Width {
        /// The width of a token.
        width: usize,
    },
    /// A perceptron of an impossible width.
    #[error("mlp_ratio is {value:?} at width {width}; it must be above 0 and at most 1000, usually 4")]
    MlpRatio {
        /// The ratio.
        value: f64,
        /// The width of a token.
        width: usize,
    },
    /// Heads that do not divide the channels.
    #[error("{heads} heads do not divide the {width} channels of an attention; choose a divisor")]
    UnevenHeads {
        /// Their number or width.
        heads: String,
        /// The channels.
        width: usize,
    },
    /// Group normalisation that does not divide the channels.
    #[error("groups is {groups}, which does not divide width {width}; use a divisor of {width}")]
    Groups {
        /// The number of groups.
        groups: usize,
        /// A width; those of blocks on the way up are sums of two.
        width: usize,
    },
    /// An attention rate that the network does not have.
    #[error("attention at rate {rate} has no level; the levels have the rates {rates:?}")]
    AttentionRate {
        /// The downsampling rate asked for.
        rate: usize,
        /// The rates of this network.
        rates: Vec<usize>,
    },
    /// A probability outside `[0, 1)`.
    #[error("dropout is {value:?}; it must lie in [0, 1), and 0 turns it off")]
    Dropout {
        /// The value as given.
        value: f64,
    },
    /// Sinusoids of which none is left.
    #[error("sinusoids.shift is {shift:?}; it must be a number below {}, half of base {base}", base / 2)]
    Shift {
        /// What is taken from the number of frequencies.
        shift: f64,
        /// The base width, that of the sinusoids.
        base: usize,
    },
    /// A group normalisation that could divide by zero.
    #[error("norm_epsilon is {value:?}; it must be a number above 0, as the paper's 1e-6")]
    NormEpsilon {
        /// The value as given.
        value: f64,
    },
    /// Attention heads that do not divide the channels.
    #[error(
        "head_channels is {head_channels}, which does not divide width {width} where there is attention; use a divisor of it"
    )]
    Heads {
        /// Channels of one head.
        head_channels: usize,
        /// The width that heads share.
        width: usize,
    },
    /// Two parameters of one name.
    #[error("parameter name `{name}` is used twice; give every parameter once")]
    Name {
        /// The name.
        name: String,
    },
    /// A probability of losing a label outside `[0, 1]`.
    #[error("label dropout is {value:?}; it must lie in [0, 1], and 0 turns it off")]
    LabelDropout {
        /// The value as given.
        value: f64,
    },
    /// An input of another shape than the network takes.
    #[error("this network takes inputs of {takes:?} (channels, height, width), not of {found:?}")]
    Input {
        /// The shape of one sample.
        takes: Vec<usize>,
        /// The shape of one sample as given.
        found: Vec<usize>,
    },
    /// Times that are neither one for all nor one for each sample.
    #[error("a batch of {batch} images takes 1 or {batch} times, not {found}")]
    Times {
        /// Number of samples.
        batch: usize,
        /// Number of times.
        found: usize,
    },
    /// A condition that the network does not know.
    #[error("this network knows {knows}, and was given {given}; give it what it knows, or train one that knows more")]
    Condition {
        /// What the network knows.
        knows: String,
        /// What it was given.
        given: String,
    },
    /// Another number than one for each sample.
    #[error("a batch of {batch} takes {batch} {what}, not {found}")]
    Rows {
        /// What there must be one of for each sample.
        what: &'static str,
        /// Number of samples.
        batch: usize,
        /// Their number.
        found: usize,
    },
    /// A class that the network does not have.
    #[error("class {class} is none of the {classes} classes, which are counted from 0")]
    Class {
        /// The class.
        class: u32,
        /// Number of classes.
        classes: u32,
    },
    /// A sample without a class, for a network that cannot be asked without.
    #[error(
        "a sample has lost its class, which this network has no row for; give it one, or train one with a null class"
    )]
    LostClass,
    /// Weights of another network.
    #[error("the weights are not those of this network; use the configuration they were saved with\n{0}")]
    Mismatch(Mismatch),
}
