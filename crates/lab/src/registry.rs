//! Names as strings become values here, and nowhere else.

use crate::recipe::{
    ChainSettings, DataSet, DataSettings, ModelSettings, PredictionName, Settings, VarianceName, WeightingSettings,
};
use burn::tensor::Device;
use std::path::Path;
use undrift_data::{DataError, Images, Split, fashion_mnist, read_cifar10_directory, read_fashion_mnist};
use undrift_denoisers::{Eps, MuTilde, OutputVariance, Parameterisation, V, Variance, X0};
use undrift_losses::Weighting;
use undrift_networks::{DdpmUnetConfig, NetworkError, parameter_shapes};
use undrift_noise::{Key, Purpose};
use undrift_schedules::{Chain, ChainError};

/// The forward process.
///
/// # Errors
/// Those of the chain: no levels, or a beta outside (0, 1).
pub fn chain(settings: &ChainSettings) -> Result<Chain, ChainError> {
    match *settings {
        ChainSettings::Linear { length } => Chain::linear(length),
        ChainSettings::LinearBetween { length, start, end } => Chain::linear_between(length, start, end),
        ChainSettings::LinearScaled { length } => Chain::linear_scaled(length),
        ChainSettings::Cosine { length } => Chain::cosine(length),
        ChainSettings::Quadratic { length, start, end } => Chain::quadratic(length, start, end),
        ChainSettings::ScaledLinear { length, start, end } => Chain::scaled_linear(length, start, end),
        ChainSettings::Sigmoid { length, start, end } => Chain::sigmoid(length, start, end),
        ChainSettings::Constant { length, beta } => Chain::constant(length, beta),
        ChainSettings::Jsd { length } => Chain::jsd(length),
        ChainSettings::WarmUp { length, start, end, fraction } => Chain::warm_up(length, start, end, fraction),
        ChainSettings::Betas { ref betas } => Chain::from_betas(betas.iter().copied()),
        ChainSettings::ZeroTerminalSnr { ref of } => chain(of)?.zero_terminal_snr(),
    }
}

/// What the network's output means.
pub fn parameterisation(name: PredictionName, chain: &Chain) -> Box<dyn Parameterisation> {
    match name {
        PredictionName::Eps => Box::new(Eps),
        PredictionName::X0 => Box::new(X0),
        PredictionName::V => Box::new(V),
        PredictionName::MuTilde => Box::new(MuTilde { chain: chain.clone() }),
    }
}

/// The variance of reverse steps.
pub fn variance(name: VarianceName) -> Variance {
    match name {
        VarianceName::FixedSmall => Variance::FixedSmall,
        VarianceName::FixedLarge => Variance::FixedLarge,
        VarianceName::Learned | VarianceName::LearnedRange => Variance::Learned,
    }
}

/// How much the squared error of a level counts.
pub fn weighting(settings: WeightingSettings) -> Weighting {
    match settings {
        WeightingSettings::Uniform => Weighting::Uniform,
        WeightingSettings::P2 { k, gamma } => Weighting::P2 { k, gamma },
        WeightingSettings::MinSnr { gamma } => Weighting::MinSnr { gamma },
        WeightingSettings::Edm { sigma_data } => Weighting::Edm { sigma_data },
    }
}

/// What the second half of the network's channels is.
pub fn output_variance(name: VarianceName) -> OutputVariance {
    match name {
        VarianceName::FixedSmall | VarianceName::FixedLarge => OutputVariance::None,
        VarianceName::Learned => OutputVariance::LogVariance,
        VarianceName::LearnedRange => OutputVariance::Range,
    }
}

/// Channels, height and width of the images.
pub fn image_shape(data: &DataSettings) -> [usize; 3] {
    match data.set {
        DataSet::Cifar10 => [3, 32, 32],
        DataSet::FashionMnistSample | DataSet::FashionMnistIdx if data.reduced => [1, 16, 16],
        DataSet::FashionMnistSample | DataSet::FashionMnistIdx => [1, 28, 28],
    }
}

/// The images of one split.
///
/// # Errors
/// Those of the readers: a missing, truncated or foreign file.
pub fn images(data: &DataSettings, split: Split) -> Result<Images, DataError> {
    let folder = data.path.as_deref().unwrap_or(Path::new("."));
    let images = match data.set {
        DataSet::FashionMnistSample => fashion_mnist(split),
        DataSet::FashionMnistIdx => read_fashion_mnist(folder, split)?,
        DataSet::Cifar10 => read_cifar10_directory(folder, split)?,
    };
    if data.reduced { images.reduced() } else { Ok(images) }
}

/// The U-Net for these settings.
pub fn unet(settings: &Settings) -> DdpmUnetConfig {
    let [channels, size, _] = image_shape(&settings.data);
    let n = &settings.network;
    DdpmUnetConfig {
        in_channels: channels,
        out_channels: channels * output_channels(&settings.model),
        image_size: size,
        blocks: n.blocks,
        attention: n.attention.clone(),
        groups: n.groups,
        dropout: n.dropout,
        ..DdpmUnetConfig::cifar10().with_multiples(n.base, &n.multipliers)
    }
}

/// Number of the U-Net's parameters.
///
/// # Errors
/// Those of an impossible configuration.
pub fn parameter_count(settings: &Settings) -> Result<usize, NetworkError> {
    let network = unet(settings).init(&host(), Key::new(0, Purpose::Initialisation))?;
    let sizes = parameter_shapes(&network).into_iter().map(|(_, shape)| shape.iter().product::<usize>());
    Ok(sizes.fold(0, usize::saturating_add))
}

fn output_channels(model: &ModelSettings) -> usize {
    match output_variance(model.variance) {
        OutputVariance::None => 1,
        OutputVariance::LogVariance | OutputVariance::Range => 2,
    }
}

/// Names of the devices that this program was compiled with.
pub const DEVICES: &[&str] = &[
    #[cfg(feature = "flex")]
    "flex",
    #[cfg(feature = "ndarray")]
    "ndarray",
    #[cfg(feature = "wgpu")]
    "wgpu",
    #[cfg(feature = "cuda")]
    "cuda",
];

/// The device with this name.
///
/// # Errors
/// [`UnknownDevice`] if it does not exist or was not compiled in.
pub fn device(name: &str) -> Result<Device, UnknownDevice> {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        "ndarray" => Ok(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(Default::default())),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0_usize)),
        _ => Err(UnknownDevice { name: name.to_owned() }),
    }
}

/// The device of work that no device was chosen for: the first of [`DEVICES`], which is the CPU where it is compiled in.
///
/// Burn's own default is the most capable device of the build, so a GPU, whatever was asked for.
///
/// # Panics
/// In a build without any device, which cannot run a network at all.
pub fn host() -> Device {
    device(DEVICES[0]).expect("every name of the list is a device")
}

/// A device that this program does not have.
#[derive(Debug, thiserror::Error)]
#[error(
    "no device is called `{name}` in this build, which has: {}; others need a build with `--features ndarray`, `wgpu` or `cuda`",
    DEVICES.join(", ")
)]
pub struct UnknownDevice {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::load;

    #[test]
    fn the_paper_preset_has_the_published_number_of_parameters() {
        let recipe = load("table2", Some("paper")).unwrap();
        let count = |row: usize| parameter_count(&recipe.rows[row].settings).unwrap();
        assert_eq!(count(5), 35_746_307);
        assert_eq!(count(0), 35_749_766);
    }

    #[test]
    fn an_unknown_device_lists_those_that_exist() {
        let error = device("tpu").unwrap_err().to_string();
        assert!(error.contains("tpu") && error.contains("flex"), "{error}");
    }
}
