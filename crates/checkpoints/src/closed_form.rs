//! Weights given by a formula instead of a file.

use std::collections::HashMap;

use burn::tensor::{DType, Device, TensorData};

use crate::layouts::dit::POSITIONS;
use crate::{CheckpointError, Entry, Layout, Network, NetworkConfig};

/// Weights given by a formula, so that a network of any size can be held against another implementation
/// without a download.
///
/// The value at flat index i of a tensor is `a + b u`, u being a number in (-1, 1) that follows from the
/// tensor's name (hashed by FNV-1a) and i (mixed by splitmix64). Matrices and filters have
/// `b = sqrt(3 / fan_in)`, so that their outputs keep the variance of their inputs; tables of class labels
/// 0.5; gains are `1 + 0.1 u`, biases `0.1 u`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClosedForm {
    /// Put before every name before it is hashed.
    pub prefix: String,
}

impl ClosedForm {
    /// The values of a published tensor of this name, in the published order.
    ///
    /// # Shapes
    ///
    /// The result is f32 of `shape`.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> TensorData {
        let count: usize = shape.iter().product();
        let table = name.contains("label_emb") || name.contains("embedding_table");
        let (a, b) = match shape.len() {
            0 | 1 if name.ends_with("weight") => (1.0, 0.1),
            0 | 1 => (0.0, 0.1),
            _ if table => (0.0, 0.5),
            _ => (0.0, (3.0 * shape[0] as f64 / count as f64).sqrt()),
        };
        let values = self.units(name).take(count).map(|u| (a + b * u) as f32).collect();
        TensorData::new(values, shape.to_vec())
    }

    /// The network of a configuration with these weights, in `precision` (f32 or f64, of the same f32 values).
    ///
    /// A transformer's table of positions is its own.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Inexpressible`] for a network that the layout cannot hold.
    pub fn network(
        &self,
        layout: Layout,
        config: &NetworkConfig,
        device: &Device,
        precision: DType,
    ) -> Result<Network, CheckpointError> {
        let entries = layout.entries(config)?;
        let by_ours: HashMap<&str, &Entry> = entries.iter().map(|entry| (entry.ours.as_str(), entry)).collect();
        config.fill(device, |ours, shape| {
            let entry = by_ours[ours];
            let data = match (entry.theirs.as_str(), config) {
                (POSITIONS, NetworkConfig::Dit(dit)) => dit.position_table().convert_dtype(DType::F32),
                (name, _) => self.tensor(name, &entry.shape),
            };
            Ok(entry.to_ours(data.convert_dtype(precision), shape))
        })
    }

    /// The numbers u of a name, by flat index.
    pub fn units(&self, name: &str) -> impl Iterator<Item = f64> {
        let start = self
            .prefix
            .bytes()
            .chain(name.bytes())
            .fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        (1u64..).map(move |i| unit(start.wrapping_add(i.wrapping_mul(GOLDEN))))
    }
}

/// Fowler, Noll and Vo's hash, FNV-1a of 64 bits.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x100_0000_01b3;

/// The step of splitmix64 (Steele, Lea, Flood 2014).
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The upper 24 bits of splitmix64's mix, as the middle of one of 2^24 cells of (-1, 1).
fn unit(state: u64) -> f64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let cell = (mixed ^ (mixed >> 31)) >> 40;
    (2.0 * cell as f64 + 1.0) / 16_777_216.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(name: &str, shape: &[usize]) -> Vec<f32> {
        ClosedForm::default().tensor(name, shape).as_slice::<f32>().unwrap()[..3].to_vec()
    }

    #[test]
    fn the_recorded_values_come_out() {
        let weight = first("conv_in.weight", &[128, 3, 3, 3]);
        assert_eq!(weight, [0.047_500_033, 0.255_509_7, -0.273_313_97]);
        assert_eq!(first("conv_in.bias", &[128]), [-0.051_596_265, 0.085_213_475, -0.057_798_38]);
        let gain = first("conv_norm_out.weight", &[128]);
        assert!(gain.iter().all(|g| (0.9..1.1).contains(g)));
    }

    #[test]
    fn the_prefix_is_part_of_the_name() {
        let prefixed = ClosedForm { prefix: "conv_".into() }.tensor("in.bias", &[3]);
        assert_eq!(prefixed.as_slice::<f32>().unwrap(), first("conv_in.bias", &[3]));
    }
}
