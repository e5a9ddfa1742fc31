//! The variance that a network predicts.

use burn::tensor::Tensor;

/// The variance that a network predicts beside its belief.
#[derive(Clone, Debug)]
pub enum LearnedVariance<const D: usize> {
    /// The logarithm of the variance of a single step of the network's chain, in variance-preserving units.
    ///
    /// It says nothing about a jump over levels, where it would leave out most of the noise.
    LogVariance(Tensor<D>),
    /// Between -1 (beta_tilde, clipped) and 1 (beta, on a span to the data too), linear in the logarithms.
    Range(Tensor<D>),
}
