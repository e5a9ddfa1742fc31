//! The small classifier whose features stand in for Inception's on Fashion-MNIST.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use undrift_noise::Key;

use crate::initialiser::{Initialiser, ONE};

/// A small convolutional classifier of grey images in ten classes, of any size from about 8x8.
///
/// Five 3x3 convolutions with group normalisation and ReLU (the second and the fourth halve the
/// resolution), the mean over all positions as features, and a dense layer on these. 121,930 parameters,
/// under 500 kB as f32. It is this project's feature extractor for Fashion-MNIST; its numbers are not
/// comparable with Inception's.
#[derive(Module, Debug)]
pub struct FashionClassifier {
    layers: Vec<Layer>,
    head: Conv2d,
}

impl FashionClassifier {
    /// Length of the feature vector.
    pub const FEATURES: usize = 96;

    /// Number of classes.
    pub const CLASSES: usize = 10;

    /// The untrained classifier on `device`, its weights a function of `key` alone.
    pub fn init(device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key);
        let shapes = [(1, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 2), (64, Self::FEATURES, 1)];
        let layers = shapes.map(|(from, to, stride)| Layer::new([from, to], stride, init));
        let head = init.conv([Self::FEATURES, Self::CLASSES], 1, ONE);
        FashionClassifier { layers: layers.into(), head }
    }

    /// Features and logits of a batch.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, 1, H, W]`, values in [-1, 1]
    /// - result: `[B, FEATURES]` and `[B, CLASSES]`
    ///
    /// # Panics
    ///
    /// If `x` has another number of channels than one.
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let features = self.features(x);
        (features.clone(), self.logits(features))
    }

    /// Features of a batch, all of them non-negative.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, 1, H, W]`, values in [-1, 1]
    /// - result: `[B, FEATURES]`
    ///
    /// # Panics
    ///
    /// If `x` has another number of channels than one.
    pub fn features(&self, x: Tensor<4>) -> Tensor<2> {
        let h = self.layers.iter().fold(x, |h, layer| layer.forward(h));
        let [batch, width, height, breadth] = h.dims();
        h.reshape([batch, width, height * breadth]).mean_dim(2).reshape([batch, width])
    }

    /// Unnormalised log probabilities of the classes from [`features`](Self::features).
    ///
    /// The dense layer is a 1x1 convolution, which multiplies image by image: how a matrix product over
    /// the batch rounds may depend on the number of its rows.
    ///
    /// # Shapes
    ///
    /// - `features`: `[B, FEATURES]`
    /// - result: `[B, CLASSES]`
    ///
    /// # Panics
    ///
    /// If `features` has another width.
    pub fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        let [batch, width] = features.dims();
        let logits = self.head.forward(features.reshape([batch, width, 1, 1]));
        logits.reshape([batch, Self::CLASSES])
    }
}

#[derive(Module, Debug)]
struct Layer {
    conv: Conv2d,
    norm: GroupNorm,
}

impl Layer {
    fn new(widths: [usize; 2], stride: usize, init: &mut Initialiser) -> Self {
        let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
        Layer { conv: init.conv_with(widths, 3, stride, padding, ONE), norm: init.group_norm(widths[1], 8) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.norm.forward(self.conv.forward(x)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use undrift_noise::{Noise, Purpose, SampleNoise};

    fn classifier() -> FashionClassifier {
        FashionClassifier::init(&Device::flex(), Key::new(1, Purpose::Initialisation))
    }

    fn images(size: usize) -> Tensor<4> {
        let like = Tensor::zeros([17, 1, size, size], &Device::flex());
        SampleNoise::new(Key::new(2, Purpose::Data), 0, 17).normal(&like)
    }

    #[test]
    fn is_small() {
        assert_eq!(classifier().num_params(), 121_930);
    }

    #[test]
    fn takes_reduced_and_full_images() {
        for size in [16, 28] {
            let (features, logits) = classifier().forward(images(size));
            assert_eq!((features.dims(), logits.dims()), ([17, 96], [17, 10]));
        }
    }

    #[test]
    fn an_image_does_not_depend_on_its_batch() {
        let (net, x) = (classifier(), images(16));
        let (features, logits) = net.forward(x.clone());
        for i in [0, 16] {
            let (alone, alone_logits) = net.forward(x.clone().narrow(0, i, 1));
            assert_eq!(alone.into_data(), features.clone().narrow(0, i, 1).into_data());
            assert_eq!(alone_logits.into_data(), logits.clone().narrow(0, i, 1).into_data());
        }
    }
}
