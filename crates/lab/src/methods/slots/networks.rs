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
                vectors: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices;
    use crate::methods::Methods;
    use burn::tensor::{DType, Tensor};
    use undrift_networks::{AnyNetwork, Backbone, Condition, Mode};
    use undrift_noise::{Key, Noise, Purpose, SampleNoise};
    use undrift_training::{Optimisation, Trainer};

    const EXAMPLES: [&str; 2] = ["ddpm-unet:base=8,multipliers=1+2,blocks=1,groups=4", "perceptron:width=8,depth=2"];

    fn made(text: &str, of: &NetworkFor) -> Result<Box<dyn Architecture>, MethodError> {
        Methods::standard().network(&text.parse().unwrap(), of)
    }

    /// Trains a step on two images, and gives the shape of an answer.
    fn trained(network: AnyNetwork<4>, of: &NetworkFor) -> [usize; 4] {
        let [channels, height, width] = of.input;
        let condition = of.classes.map_or(Condition::None, |_| Condition::classes(&[0, 1]));
        let mut trainer = Trainer::new(network, Optimisation::constant(1e-3)).unwrap();
        let device = devices::host().autodiff();
        let mut noise = SampleNoise::new(Key::new(0, Purpose::Training), 0, 2);
        let x = noise.normal(&Tensor::<4>::zeros([2, channels, height, width], (&device, DType::F32)));
        let time = Tensor::<1>::from_data([3.0, 20.0], &device);
        let mut dims = [0; 4];
        let update = trainer.step(|network, _| {
            let answer = network.forward(x, time, &condition, Mode::Training(&mut noise))?;
            dims = answer.dims();
            Ok((answer - 0.5).square().mean().reshape([1]))
        });
        let update = update.unwrap();
        assert!(update.loss.is_finite() && update.gradient_norm > 0.0, "{update:?}");
        dims
    }

    #[test]
    fn every_row_is_trained_a_step_and_answers_in_its_shape() {
        for row in NETWORKS {
            let example = EXAMPLES.iter().find(|text| text.split(':').next() == Some(row.name)).expect(row.name);
            for outputs in [1, 2] {
                let of = NetworkFor { input: [3, 8, 8], outputs, classes: None };
                let architecture = made(example, &of).unwrap();
                assert_eq!((architecture.input(), architecture.output()), ([3, 8, 8], [3 * outputs, 8, 8]));
                let key = Key::new(0, Purpose::Initialisation);
                let network = architecture.network(&devices::host(), key).unwrap();
                assert_eq!(trained(network, &of), [2, 3 * outputs, 8, 8], "{}", row.name);
            }
        }
    }

    #[test]
    fn a_network_is_told_classes_or_refuses_them() {
        let of = NetworkFor { input: [1, 8, 8], outputs: 1, classes: Some(10) };
        let network = made(EXAMPLES[1], &of).unwrap();
        assert_ne!(network.condition(), undrift_networks::ConditionKind::None);
        let network = network.network(&devices::host(), Key::new(0, Purpose::Initialisation)).unwrap();
        assert_eq!(trained(network, &of), [2, 1, 8, 8]);
        assert!(made(EXAMPLES[0], &of).unwrap_err().to_string().contains("model.condition"));
        let long = NetworkFor { input: [1, 8, 4], ..of };
        let long = NetworkFor { classes: None, ..long };
        assert!(made(EXAMPLES[0], &long).unwrap_err().to_string().contains("8x4"));
        assert!(made("perceptron:width=3", &of).unwrap_err().to_string().contains("width is 3"));
    }
}
