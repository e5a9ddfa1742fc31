//! What the benchmarks share: the network and the batch of the quick preset of Table 2, and the problem that
//! the benchmark against PyTorch gives to both sides.
//!
//! `cargo bench --package undrift-benches` runs them. Timings of a shared machine are noisy: compare the ratio of
//! two benchmarks of one run, or the runs of two versions taken in turn.

pub mod flop;
pub mod peer;

use burn::tensor::{DType, Device, Tensor};
use undrift_networks::{DdpmUnet, DdpmUnetConfig, NetworkError};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};

/// Images per batch.
pub const BATCH: usize = 64;

/// The U-Net of the quick preset.
///
/// # Errors
/// Those of its configuration.
pub fn quick_unet(device: &Device) -> Result<DdpmUnet, NetworkError> {
    let config = DdpmUnetConfig {
        in_channels: 1,
        out_channels: 1,
        image_size: 16,
        base: 32,
        widths: vec![32, 64],
        blocks: 1,
        attention: Vec::new(),
        groups: 8,
        dropout: 0.0,
        ..DdpmUnetConfig::cifar10()
    };
    config.init(device, Key::new(0, Purpose::Initialisation))
}

/// Normal noise shaped like a batch, `[64, 1, 16, 16]`.
pub fn batch(device: &Device) -> Tensor<4> {
    let like = Tensor::zeros([BATCH, 1, 16, 16], (device, DType::F32));
    SampleNoise::new(Key::new(0, Purpose::Evaluation), 0, BATCH).normal(&like)
}
