//! What a raw network must offer to be made a denoiser.

use burn::tensor::Tensor;

/// A raw network: something that maps `x` and the label of its level to an output.
///
/// Closures are networks, so that labels of classes are captured and toys need no type.
pub trait Network<const D: usize> {
    /// The raw output.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`; `time` has one entry for the whole batch, or one for each sample. The output has
    /// the shape of `x`, or twice its channels (dimension 1) where a variance is learned.
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Tensor<D>;
}

impl<const D: usize, F> Network<D> for F
where
    F: Fn(Tensor<D>, Tensor<1>) -> Tensor<D>,
{
    fn forward(&self, x: Tensor<D>, time: Tensor<1>) -> Tensor<D> {
        self(x, time)
    }
}
