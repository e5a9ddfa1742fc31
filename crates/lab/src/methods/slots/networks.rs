//! The networks by name.

use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use undrift_networks::{Architecture, DdpmUnetConfig, NetworkError, PerceptronConfig};

/// Networks.
pub struct Networks;

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkFor {
    /// Channels, height and width of its input.
    pub input: [usize; 3],
    /// Output channels for each input channel: 2 where it says something about the variance.
    pub outputs: usize,
    /// Number of classes that it is told; none for no condition.
    pub classes: Option<u32>,
}

impl Slot for Networks {
    const NAME: &'static str = "network";
    const WRITTEN: &'static str = "`[network]`, by `kind`";
    type Build = fn(&Values, &NetworkFor) -> Result<Box<dyn Architecture>, MethodError>;
}

/// Every network that rows can train.
pub const NETWORKS: &[Row<Networks>] = &[
    Row {
        name: "ddpm-unet",
        about: "the U-Net of DDPM (Ho et al. 2020, arXiv:2006.11239, appendix B)",
        parameters: &[
            Parameter::count("base", None, "channels at full resolution; 128 in the paper"),
            Parameter::counts(
                "multipliers",
                "channel multiplier of each level, finest first; [1, 2, 2, 2] in the paper",
            ),
            Parameter::count("blocks", None, "residual blocks per level; 2 in the paper"),
            Parameter::counts("attention", "resolutions that get self-attention; the middle has it always").or_empty(),
            Parameter::count("groups", Some(32), "groups of each group norm, a divisor of all widths"),
            Parameter::number("dropout", Some(0.0), "dropout probability inside residual blocks, in [0, 1)"),
        ],
        build: |values, of| {
            unconditional(values, of)?;
            let [channels, height, width] = of.input;
            if height != width {
                let why = format!("its images are square, these are {height}x{width}");
                return Err(MethodError::refused(values.method(), why));
            }
            let shape = DdpmUnetConfig {
                in_channels: channels,
                out_channels: channels * of.outputs,
                image_size: height,
                blocks: values.count("blocks"),
                attention: values.counts("attention").to_vec(),
                groups: values.count("groups"),
                dropout: values.number("dropout"),
                ..DdpmUnetConfig::cifar10().with_multiples(values.count("base"), values.counts("multipliers"))
            };
            shape.validate().map_err(refused(values))?;
            Ok(Box::new(shape))
        },
    },
    Row {
        name: "perceptron",
        about: "a perceptron over all values of a sample, for points and other small vectors",
        parameters: &[
            Parameter::count("width", Some(128), "units of every hidden layer, at least 4"),
            Parameter::count("depth", Some(4), "number of hidden layers, at least 1"),
            Parameter::number("dropout", Some(0.0), "probability that training drops a hidden unit, in [0, 1)"),
        ],
        build: |values, of| {
            let shape = PerceptronConfig {
                input: of.input,
                out_channels: of.input[0] * of.outputs,
                width: values.count("width"),
                depth: values.count("depth"),
                classes: of.classes.map(|classes| classes as usize),
                dropout: values.number("dropout"),
            };
            shape.validate().map_err(refused(values))?;
            Ok(Box::new(shape))
        },
    },
];

fn unconditional(values: &Values, of: &NetworkFor) -> Result<(), MethodError> {
    match of.classes {
        None => Ok(()),
        Some(_) => {
            Err(MethodError::refused(values.method(), "it knows no classes; choose `model.condition = \"none\"`"))
        }
    }
}

fn refused(values: &Values) -> impl Fn(NetworkError) -> MethodError {
    let method = values.method().to_owned();
    move |why| MethodError::refused(&method, why)
}
