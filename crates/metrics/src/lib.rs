//! Decides how samples and models are scored: Frechet distance, inception score, bits per dimension, and how far a
//! sampler drifts from the forward process ([`exposure_curves`]).
//!
//! All statistics are f64 on the host and added up in order of the samples, so that a score does not depend
//! on the size of the batches it was streamed in. What an image means is a [`FeatureExtractor`]'s business.
//!
//! ```
//! use undrift_metrics::{ClassProbabilities, GaussianStats, frechet_distance, inception_score};
//!
//! let (mut real, mut made) = (GaussianStats::new(1), GaussianStats::new(1));
//! real.push_rows(&[-1.0, 0.0, 1.0])?;
//! made.push_rows(&[2.0, 5.0, 8.0])?;
//! assert!((frechet_distance(&real, &made)? - 29.0).abs() < 1e-9);
//!
//! let mut classes = ClassProbabilities::new(2);
//! classes.push_rows(&[1.0, 0.0, 0.0, 1.0])?;
//! assert_eq!(inception_score(&classes, 1)?.mean, 2.0);
//! # Ok::<(), undrift_metrics::MetricError>(())
//! ```

mod bound_of_data;
mod class_probabilities;
mod energy_distance;
mod error;
mod exposure;
mod fashion_features;
mod feature_extractor;
mod feature_scores;
mod frechet_distance;
mod gaussian_stats;
mod inception_score;
mod metric;
mod nearest_image;
mod rows;

pub use bound_of_data::{BoundOfData, DataBound, bound_of_data};
pub use class_probabilities::ClassProbabilities;
pub use energy_distance::energy_distance;
pub use error::MetricError;
pub use exposure::{
    DeltaPoint, DeltaT, EpsNorm, EpsNormPoint, ExposureBias, ExposureCurves, MarginalDelta, PixelStats, ShapiroWilk,
    X0Error, X0ErrorPoint, chain_lengths, exposure_curves, shapiro_wilk,
};
pub use fashion_features::FashionFeatures;
pub use feature_extractor::{Extracted, FeatureExtractor};
pub use feature_scores::{FeatureScores, Features};
pub use frechet_distance::frechet_distance;
pub use gaussian_stats::GaussianStats;
pub use inception_score::{InceptionScore, inception_score};
pub use metric::{Better, Metric, Score};
pub use nearest_image::NearestImage;
