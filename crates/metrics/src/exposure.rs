//! Exposure bias: how a sampler's states differ from what its model was trained on.

mod chain_length;
mod curves;
mod delta_t;
mod eps_norm;
mod marginal_delta;
mod normal_distribution;
mod per_level;
mod pixel_stats;
mod shapiro_wilk;
mod x0_error;

pub use chain_length::chain_lengths;
pub use curves::{ExposureBias, ExposureCurves, exposure_curves};
pub use delta_t::{DeltaPoint, DeltaT};
pub use eps_norm::{EpsNorm, EpsNormPoint};
pub use marginal_delta::MarginalDelta;
pub use pixel_stats::PixelStats;
pub use shapiro_wilk::{ShapiroWilk, shapiro_wilk};
pub use x0_error::{X0Error, X0ErrorPoint};

use burn::tensor::Tensor;

use crate::MetricError;

/// The numbers of a batch on the host in f64, and how many belong to one image.
fn host<const D: usize>(images: &Tensor<D>) -> Result<(Vec<f64>, usize), MetricError> {
    let width = images.dims()[1..].iter().product();
    Ok((images.clone().try_into_vec_as::<f64>()?, width))
}
