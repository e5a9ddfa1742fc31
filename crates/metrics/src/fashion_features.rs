//! The embedded classifier of Fashion-MNIST as a feature extractor.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use undrift_files::from_bytes;
use undrift_networks::{FashionClassifier, apply_parameters};
use undrift_noise::{Key, Purpose};

use crate::{Extracted, FeatureExtractor, MetricError};

/// The classifier of Fashion-MNIST reduced to 16x16 whose weights are embedded, trained by
/// `undrift train-classifier` on the embedded sample.
///
/// Its distance compares models with one another. It is no Inception network, so the distance is never an FID.
#[derive(Clone, Debug)]
pub struct FashionFeatures(FashionClassifier);

/// The weights, as `undrift train-classifier` writes them.
const WEIGHTS: &[u8] = include_bytes!("../weights/fashion-mnist-16x16.safetensors");

impl FashionFeatures {
    /// The bytes of the embedded weights, which tell one build's scores from another's.
    pub fn weights() -> &'static [u8] {
        WEIGHTS
    }

    /// The embedded classifier on a device.
    ///
    /// # Errors
    /// If the embedded file does not fit the network, which only a change of the network brings about.
    pub fn new(device: &Device) -> Result<Self, MetricError> {
        Self::with_weights(WEIGHTS, device)
    }

    /// The classifier with other weights, in the same safetensors form.
    ///
    /// # Errors
    /// Those of reading the file and of weights that do not fit.
    pub fn with_weights(bytes: &[u8], device: &Device) -> Result<Self, MetricError> {
        let network = FashionClassifier::init(device, Key::new(0, Purpose::Initialisation));
        Ok(Self(apply_parameters(network, from_bytes(bytes)?.parameters)?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::DType;
    use undrift_data::{Images, Split, fashion_mnist};

    fn seen(images: &Images, batch: usize) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex();
        let extractor = FashionFeatures::new(&device).unwrap();
        let indices: Vec<usize> = (0..images.len()).collect();
        let (mut features, mut probabilities) = (Vec::new(), Vec::new());
        for part in indices.chunks(batch) {
            let extracted = extractor.extract(images.batch(part, &[], &device, DType::F32));
            features.extend(extracted.features.into_data().iter::<f32>());
            probabilities.extend(extracted.probabilities.into_data().iter::<f32>());
        }
        (features, probabilities)
    }

    #[test]
    fn the_embedded_weights_classify_held_out_images() {
        assert!(WEIGHTS.len() < 1 << 20);
        let images = fashion_mnist(Split::Test).reduced().unwrap();
        let (features, probabilities) = seen(&images, 250);
        assert_eq!(features.len(), images.len() * FashionClassifier::FEATURES);
        let best = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        let classes = probabilities.chunks_exact(FashionClassifier::CLASSES).map(best);
        let right = classes.zip(images.labels()).filter(|&(class, &label)| class == label as usize).count();
        assert!(right >= 870, "{right} of {} right, 884 when the weights were made", images.len());
    }

    #[test]
    fn features_do_not_depend_on_the_batch() {
        let images = fashion_mnist(Split::Test).reduced().unwrap().subset(&(0..64).collect::<Vec<_>>()).unwrap();
        let whole = seen(&images, 64);
        assert!(whole == seen(&images, 17) && whole == seen(&images, 1));
    }
}
