//! The embedded classifier of Fashion-MNIST as a feature extractor.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use undrift_networks::{FashionClassifier, NetworkError, apply_parameters, from_bytes};
use undrift_noise::{Key, Purpose};

use crate::{Extracted, FeatureExtractor};

/// The classifier of Fashion-MNIST reduced to 16x16 whose weights are embedded, trained by
/// `undrift train-classifier` on the embedded sample.
///
/// Its distance compares models with one another. It is no Inception network, so the distance is never an FID.
#[derive(Clone, Debug)]
pub struct FashionFeatures(FashionClassifier);

/// The weights, as `undrift train-classifier` writes them.
const WEIGHTS: &[u8] = include_bytes!("../weights/fashion-mnist-16x16.safetensors");

impl FashionFeatures {
    /// The embedded classifier on a device.
    ///
    /// # Errors
    /// If the embedded file does not fit the network, which only a change of the network brings about.
    pub fn new(device: &Device) -> Result<Self, NetworkError> {
        Self::with_weights(WEIGHTS, device)
    }

    /// The classifier with other weights, in the same safetensors form.
    ///
    /// # Errors
    /// Those of reading the file and of weights that do not fit.
    pub fn with_weights(bytes: &[u8], device: &Device) -> Result<Self, NetworkError> {
        let network = FashionClassifier::init(device, Key::new(0, Purpose::Initialisation));
        apply_parameters(network, from_bytes(bytes)?.parameters).map(Self)
    }
}

impl FeatureExtractor for FashionFeatures {
    fn name(&self) -> &str {
        "Fashion-MNIST features"
    }

    /// # Shapes
    /// `[B, 1, 16, 16]`.
    fn extract(&self, images: Tensor<4>) -> Extracted {
        let (features, logits) = self.0.forward(images);
        Extracted { features, probabilities: softmax(logits, 1) }
    }
}
