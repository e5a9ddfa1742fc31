//! What makes a network: the numbers that say how it is built.

use std::fmt::Debug;

use burn::tensor::Device;
use serde_json::Value;
use undrift_noise::{Key, Purpose};

use crate::{AnyNetwork, ConditionKind, NetworkError, Trainable};

/// The shape of a network for `[B, C, H, W]`, from which it is made.
pub trait Architecture: Debug + Send + Sync {
    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// The first impossible value of the configuration.
    fn network(&self, device: &Device, key: Key) -> Result<AnyNetwork<4>, NetworkError>;

    /// Channels, height and width of its input.
    fn input(&self) -> [usize; 3];

    /// Channels, height and width of its output.
    fn output(&self) -> [usize; 3];

    /// Which conditions it knows.
    fn condition(&self) -> ConditionKind;

    /// The configuration, as its own reader takes it.
    fn to_json(&self) -> Value;

    /// The network in a sentence.
    fn sentence(&self) -> String;

    /// Numbers that it holds per sample, at the very least: in training for the way back, and in evaluation.
    fn held(&self) -> (usize, usize) {
        let input = self.input().iter().product();
        (input, input)
    }

    /// Number of parameters, those that are not trained included; none of them is made.
    ///
    /// # Errors
    ///
    /// The first impossible value of the configuration.
    fn parameter_count(&self, device: &Device) -> Result<usize, NetworkError> {
        let network = self.network(device, Key::new(0, Purpose::Initialisation))?;
        Ok(network.shapes().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum())
    }
}
