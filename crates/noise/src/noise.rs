//! What samplers and losses ask of a source of noise.

use burn::tensor::Tensor;

/// A source of standard normal noise (and of uniform numbers) for a batch, called once per draw.
///
/// It is `dyn`-safe, so that a sampler takes `&mut dyn Noise<D>`: [`SampleNoise`](crate::SampleNoise)
/// for real runs, [`Replay`](crate::Replay) for recorded noise, [`Zeros`](crate::Zeros) for none.
pub trait Noise<const D: usize> {
    /// The next draw: standard normals with the shape, element type and device of `like`.
    ///
    /// # Shapes
    ///
    /// `like` and the result: `[B, ..]`, row i belongs to sample i of the batch.
    ///
    /// # Panics
    ///
    /// If the source cannot serve this shape; the implementations say when.
    fn normal(&mut self, like: &Tensor<D>) -> Tensor<D>;

    /// The next draw as one number for each sample, uniform in `[0, 1)`: what decides something about a whole sample.
    ///
    /// It is a draw like any other: of its own sample alone, whatever the batch.
    ///
    /// # Shapes
    ///
    /// `like`: `[B, ..]`; the result: `B` numbers.
    ///
    /// # Panics
    ///
    /// As [`normal`](Self::normal).
    fn uniforms(&mut self, like: &Tensor<D>) -> Vec<f64>;
}

impl<const D: usize, N: Noise<D> + ?Sized> Noise<D> for &mut N {
    fn normal(&mut self, like: &Tensor<D>) -> Tensor<D> {
        (**self).normal(like)
    }

    fn uniforms(&mut self, like: &Tensor<D>) -> Vec<f64> {
        (**self).uniforms(like)
    }
}
