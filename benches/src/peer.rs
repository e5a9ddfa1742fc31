//! The problem that the benchmark against PyTorch gives to both sides: networks, weights and a batch.
//!
//! Every number comes from an integer hash of its position, so that `benches/peers/unet_torch.py` makes the
//! same bits. Weights travel in a safetensors file, whose header names the network.

use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;
use undrift_files::{Weights, from_bytes, to_bytes};
use undrift_networks::{DdpmUnet, DdpmUnetConfig, NetworkError, apply_parameters, parameter_shapes};
use undrift_noise::{Key, Purpose};

/// Key of the network's configuration, as JSON, in the header of the file of weights.
const CONFIG: &str = "config";

/// Streams of the hash for the batch; parameters have those from 0.
const NOISY: u32 = 1 << 20;
const TARGET: u32 = NOISY + 1;
const TIME: u32 = NOISY + 2;

/// Labels of time are whole numbers below this.
const TIMES: u32 = 1000;

/// A network of 1.6 million parameters for grey images of `size` pixels, with attention at the first
/// resolution of at most 8 pixels.
pub fn small(size: usize) -> DdpmUnetConfig {
    let mut config = DdpmUnetConfig {
        in_channels: 1,
        out_channels: 1,
        image_size: size,
        base: 32,
        widths: vec![32, 64, 64],
        blocks: 2,
        attention: Vec::new(),
        groups: 8,
        dropout: 0.0,
        ..DdpmUnetConfig::cifar10()
    };
    config.attention = config.resolutions().into_iter().find(|resolution| *resolution <= 8).into_iter().collect();
    config
}

/// The paper's network for CIFAR-10, without dropout, whose masks no two implementations share.
pub fn cifar10() -> DdpmUnetConfig {
    DdpmUnetConfig { dropout: 0.0, ..DdpmUnetConfig::cifar10() }
}

/// A safetensors file of hashed weights for this network.
///
/// DDPM's own initial weights would hide mistakes: the last layer of every branch starts near 0. Here weights
/// are uniform in ±1/sqrt(fan-in), biases in ±0.1, and the gains of norms in 1 ± 0.1.
///
/// # Errors
/// Those of the configuration.
pub fn weights_file(config: &DdpmUnetConfig) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let network = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation))?;
    let shapes = parameter_shapes(&network).into_iter().zip(0..);
    let parameters: Vec<_> = shapes.map(|((name, shape), stream)| parameter(name, shape, stream)).collect();
    let metadata = BTreeMap::from([(CONFIG.to_owned(), serde_json::to_string(config)?)]);
    Ok(to_bytes(&parameters, &metadata)?)
}

/// The network in such a file, on `device`.
///
/// # Errors
/// What is wrong with the file.
pub fn read_network(bytes: &[u8], device: &Device) -> Result<DdpmUnet, Box<dyn std::error::Error>> {
    let Weights { parameters, metadata } = from_bytes(bytes)?;
    let config = metadata.get(CONFIG).ok_or("the file names no network; make it with `write-weights`")?;
    let config: DdpmUnetConfig = serde_json::from_str(config)?;
    let network: Result<DdpmUnet, NetworkError> = config.init(device, Key::new(0, Purpose::Initialisation));
    Ok(apply_parameters(network?, parameters)?)
}

/// What one training step reads, the same at every step.
pub struct Batch {
    /// Noisy images, `[B, in_channels, size, size]`, of unit variance.
    pub noisy: Tensor<4>,
    /// The noise to predict, in the shape of the network's output.
    pub target: Tensor<4>,
    /// Labels of time, `[B]`.
    pub time: Tensor<1>,
}

impl Batch {
    /// The batch of `images` images for this network.
    pub fn new(config: &DdpmUnetConfig, images: usize, device: &Device) -> Self {
        let size = config.image_size;
        let unit_variance = |channels: usize, stream: u32| {
            let shape = [images, channels, size, size];
            let values = uniform(shape.iter().product(), stream, 3f32.sqrt());
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        let times: Vec<f32> = (0..images).map(|i| (hash(i as u32, TIME) % TIMES) as f32).collect();
        Batch {
            noisy: unit_variance(config.in_channels, NOISY),
            target: unit_variance(config.out_channels, TARGET),
            time: Tensor::from_data(TensorData::new(times, [images]), device),
        }
    }
}

fn parameter(name: String, shape: Vec<usize>, stream: u32) -> (String, TensorData) {
    let count = shape.iter().product();
    let values = match (name.rsplit('.').next(), shape.as_slice()) {
        (Some("gamma"), _) => uniform(count, stream, 0.1).into_iter().map(|value| 1.0 + value).collect(),
        (Some("weight"), [_, inputs, height, width]) => weights(count, stream, inputs * height * width),
        (Some("weight"), [inputs, _]) => weights(count, stream, *inputs),
        _ => uniform(count, stream, 0.1),
    };
    (name, TensorData::new(values, shape))
}

fn weights(count: usize, stream: u32, fan_in: usize) -> Vec<f32> {
    uniform(count, stream, 1.0 / (fan_in as f32).sqrt())
}

/// Numbers uniform in ±bound: the upper 24 bits of the hash as a fraction, exact in f32 but for the product.
fn uniform(count: usize, stream: u32, bound: f32) -> Vec<f32> {
    let unit = |index| (hash(index, stream) >> 8) as f32 / (1 << 24) as f32;
    (0..count as u32).map(|index| (2.0 * unit(index) - 1.0) * bound).collect()
}

/// A hash of 32 bits: the finaliser of MurmurHash3 over a multiple of the stream and one of the index.
fn hash(index: u32, stream: u32) -> u32 {
    let mut x = index.wrapping_mul(0x9e37_79b1).wrapping_add(stream.wrapping_mul(0x85eb_ca77));
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}
