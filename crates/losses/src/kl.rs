//! The divergence of two Gaussians.

use burn::tensor::Tensor;

/// KL divergence of two diagonal Gaussians, `KL(N(mean1, e^log_variance1) || N(mean2, e^log_variance2))`.
///
/// Element by element, in nats; the caller sums or averages over dimensions. It is what the terms `t >= 2` of the
/// variational bound are made of (Ho et al. 2020, arXiv:2006.11239, eq. 5).
///
/// # Shapes
/// All four broadcast against each other; a variance shared by a whole sample may be `[B, 1, .., 1]`.
pub fn normal_kl<const D: usize>(
    mean1: Tensor<D>,
    log_variance1: Tensor<D>,
    mean2: Tensor<D>,
    log_variance2: Tensor<D>,
) -> Tensor<D> {
    let log_ratio = log_variance1 - log_variance2.clone();
    let of_variance = log_ratio.clone().exp() - log_ratio - 1.0;
    let of_mean = (mean1 - mean2).square() * (-log_variance2).exp();
    (of_mean + of_variance).mul_scalar(0.5)
}
