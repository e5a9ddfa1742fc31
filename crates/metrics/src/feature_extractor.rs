//! What a network must offer for its features to be scored.

use burn::tensor::Tensor;

/// A network that turns images into features for the Frechet distance and classes for the inception score.
///
/// A distance depends on its extractor as much as on the images: report it under [`name`](Self::name).
pub trait FeatureExtractor {
    /// The name under which its numbers are reported, such as `Fashion-MNIST features`.
    fn name(&self) -> &str;

    /// Features and class probabilities of each image.
    ///
    /// # Shapes
    ///
    /// `images`: `[B, C, H, W]` in -1..1; the size and channels are the extractor's to state.
    fn extract(&self, images: Tensor<4>) -> Extracted;
}

impl<E: FeatureExtractor + ?Sized> FeatureExtractor for &E {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn extract(&self, images: Tensor<4>) -> Extracted {
        (**self).extract(images)
    }
}

/// What an extractor sees in a batch of images.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// `[B, features]`, before any softmax.
    pub features: Tensor<2>,
    /// `[B, classes]`, each row in 0..=1 with sum 1.
    pub probabilities: Tensor<2>,
}
