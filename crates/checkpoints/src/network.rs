//! A published network of any kind.

use burn::module::{Module, ModuleVisitor};
use burn::tensor::{Device, Tensor, TensorData};
use undrift_networks::{
    AdmClassifier, AdmClassifierConfig, AdmTrunkConfig, AdmUnet, AdmUnetConfig, DdpmUnet, DdpmUnetConfig, Dit,
    DitConfig, collect_parameters, fill_parameters, parameter_shapes,
};
use undrift_noise::{Key, Purpose};

use crate::CheckpointError;

/// The configuration of a published network.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkConfig {
    /// The U-Net of DDPM.
    Ddpm(DdpmUnetConfig),
    /// The U-Net of guided-diffusion and its relatives.
    Adm(AdmUnetConfig),
    /// The classifier of noised images of guided-diffusion.
    Classifier(AdmClassifierConfig),
    /// The diffusion transformer.
    Dit(DitConfig),
}

/// A published network.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are one or two of them in a program")]
pub enum Network {
    /// The U-Net of DDPM.
    Ddpm(DdpmUnet),
    /// The U-Net of guided-diffusion and its relatives.
    Adm(AdmUnet),
    /// The classifier of noised images of guided-diffusion.
    Classifier(AdmClassifier),
    /// The diffusion transformer.
    Dit(Dit),
}

/// Runs one expression on the network of whatever kind.
macro_rules! each {
    ($value:expr, $kind:ident, $inner:ident => $body:expr) => {
        match $value {
            $kind::Ddpm($inner) => $body,
            $kind::Adm($inner) => $body,
            $kind::Classifier($inner) => $body,
            $kind::Dit($inner) => $body,
        }
    };
}

impl NetworkConfig {
    /// What it is a configuration of, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            NetworkConfig::Ddpm(_) => "DDPM U-Net",
            NetworkConfig::Adm(_) => "ADM U-Net",
            NetworkConfig::Classifier(_) => "ADM classifier",
            NetworkConfig::Dit(_) => "DiT",
        }
    }

    /// The untrained network, whose parameters are made when first read.
    ///
    /// # Errors
    ///
    /// What the configuration's `validate` finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<Network, CheckpointError> {
        Ok(match self {
            NetworkConfig::Ddpm(config) => Network::Ddpm(config.init(device, key)?),
            NetworkConfig::Adm(config) => Network::Adm(config.init(device, key)?),
            NetworkConfig::Classifier(config) => Network::Classifier(config.init(device, key)?),
            NetworkConfig::Dit(config) => Network::Dit(config.init(device, key)?),
        })
    }

    /// The network with every parameter given by its name and shape, one after another.
    ///
    /// # Errors
    ///
    /// The first of `values`, and those of [`init`](Self::init).
    pub fn fill(
        &self,
        device: &Device,
        values: impl FnMut(&str, &[usize]) -> Result<TensorData, CheckpointError>,
    ) -> Result<Network, CheckpointError> {
        Ok(match self.init(device, Key::new(0, Purpose::Initialisation))? {
            Network::Ddpm(net) => Network::Ddpm(fill_parameters(net, values)?),
            Network::Adm(net) => Network::Adm(fill_parameters(net, values)?),
            Network::Classifier(net) => Network::Classifier(fill_parameters(net, values)?),
            Network::Dit(net) => Network::Dit(fill_parameters(net, values)?),
        })
    }

    /// Channels, height and width of its input; a transformer's is a latent image.
    pub fn image_shape(&self) -> [usize; 3] {
        match self {
            NetworkConfig::Ddpm(c) => [c.in_channels, c.image_size, c.image_size],
            NetworkConfig::Adm(c) => of_trunk(&c.trunk),
            NetworkConfig::Classifier(c) => of_trunk(&c.trunk),
            NetworkConfig::Dit(c) => [c.in_channels, c.input_size, c.input_size],
        }
    }

    /// Channels of its output, or classes of a classifier.
    pub fn outputs(&self) -> usize {
        match self {
            NetworkConfig::Ddpm(c) => c.out_channels,
            NetworkConfig::Adm(c) => c.out_channels,
            NetworkConfig::Classifier(c) => c.classes,
            NetworkConfig::Dit(c) => c.out_channels(),
        }
    }

    /// Classes that its images can be asked for by; `None` where it takes no label.
    pub fn classes(&self) -> Option<usize> {
        match self {
            NetworkConfig::Ddpm(_) | NetworkConfig::Classifier(_) => None,
            NetworkConfig::Adm(c) => c.classes,
            NetworkConfig::Dit(c) => Some(c.classes),
        }
    }

    /// The label that stands for no class, where there is one.
    pub fn null_label(&self) -> Option<usize> {
        match self {
            NetworkConfig::Dit(c) => c.null_label(),
            _ => None,
        }
    }
}

impl Network {
    /// The configuration that it was made from.
    pub fn config(&self) -> NetworkConfig {
        match self {
            Network::Ddpm(net) => NetworkConfig::Ddpm(net.config().clone()),
            Network::Adm(net) => NetworkConfig::Adm(net.config().clone()),
            Network::Classifier(net) => NetworkConfig::Classifier(net.config().clone()),
            Network::Dit(net) => NetworkConfig::Dit(net.config().clone()),
        }
    }

    /// Every parameter with its dotted name.
    pub fn parameters(&self) -> Vec<(String, TensorData)> {
        each!(self, Network, net => collect_parameters(net))
    }

    /// Name and shape of every parameter, without making any.
    pub fn parameter_shapes(&self) -> Vec<(String, Vec<usize>)> {
        each!(self, Network, net => parameter_shapes(net))
    }

    /// Number of parameters, those of fixed tables included.
    pub fn parameter_count(&self) -> usize {
        self.parameter_shapes().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    /// Walks over every parameter.
    pub fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        each!(self, Network, net => net.visit(visitor));
    }

    /// The output of a network that predicts the noise in an image.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, channels, height, width]`, as [`NetworkConfig::image_shape`] says
    /// - `time`: `[1]` or `[B]`
    /// - `labels`: one class per image where the network has classes, else nothing
    /// - result: `[B, outputs, height, width]`
    ///
    /// # Panics
    ///
    /// If a shape is another one, labels are missing or superfluous, or the network is a classifier.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<1>, labels: Option<&[usize]>) -> Tensor<4> {
        match (self, labels) {
            (Network::Ddpm(net), None) => net.forward(x, time),
            (Network::Ddpm(_), Some(_)) => panic!("this network knows no classes; give it no labels"),
            (Network::Adm(net), labels) => net.forward(x, time, labels),
            (Network::Dit(net), Some(labels)) => net.forward(x, time, labels),
            (Network::Dit(_), None) => panic!("this network is conditional on a class; give it one label per image"),
            (Network::Classifier(_), _) => panic!("a classifier gives logits, no noise"),
        }
    }
}

fn of_trunk(trunk: &AdmTrunkConfig) -> [usize; 3] {
    [trunk.in_channels, trunk.image_size, trunk.image_size]
}
