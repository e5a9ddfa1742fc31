//! The feature extractors by name.

use crate::methods::{MethodError, Row, Slot, Values};
use undrift_metrics::FashionFeatures;
use undrift_studies::Extractor;

/// Feature extractors.
pub struct Extractors;

/// A feature extractor, and what its distance is called.
#[derive(Clone, Copy)]
pub struct ScoredWith {
    /// The extractor; none for no scores of samples.
    pub extractor: Option<Extractor>,
    /// Channels, height and width of the images that it reads; none where it reads any.
    pub reads: Option<[usize; 3]>,
    /// The distance's name, which is FID only for Inception features.
    pub distance: &'static str,
    /// What the scores stand on, for the report.
    pub about: &'static str,
}

impl Slot for Extractors {
    const NAME: &'static str = "extractor";
    const WRITTEN: &'static str = "`metrics.extractor`";
    type Build = fn(&Values) -> Result<ScoredWith, MethodError>;
}

/// Every extractor.
pub const EXTRACTORS: &[Row<Extractors>] = &[
    Row {
        name: "none",
        about: "no scores; samples and bits per dimension only",
        parameters: &[],
        build: |_| {
            Ok(ScoredWith {
                extractor: None,
                reads: None,
                distance: "FD (not computed)",
                about: "none: this build carries no Inception weights, so IS and FID are not computed",
            })
        },
    },
    Row {
        name: "fashion-mnist",
        about: "the embedded classifier of 16x16 Fashion-MNIST",
        parameters: &[],
        build: |_| {
            Ok(ScoredWith {
                extractor: Some(Extractor {
                    weights: FashionFeatures::weights(),
                    build: |device| Ok(Box::new(FashionFeatures::new(device)?)),
                }),
                reads: Some([1, 16, 16]),
                distance: "FD (Fashion-MNIST features)",
                about: "features and class probabilities of the embedded Fashion-MNIST classifier",
            })
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices;
    use crate::methods::Methods;
    use burn::tensor::{DType, Tensor};

    #[test]
    fn every_row_makes_finite_features_of_the_images_that_it_reads() {
        for row in EXTRACTORS {
            let scored = Methods::standard().extractor(&row.name.parse().unwrap()).unwrap();
            assert!(scored.distance.starts_with("FD"), "{}: FID is the name for Inception features", row.name);
            let Some(extractor) = scored.extractor else { continue };
            let (device, [channels, height, width]) = (devices::host(), scored.reads.unwrap_or([3, 32, 32]));
            let images = Tensor::<4>::zeros([2, channels, height, width], (&device, DType::F32));
            let seen = (extractor.build)(&device).unwrap().extract(images);
            assert_eq!((seen.features.dims()[0], seen.probabilities.dims()[0]), (2, 2), "{}", row.name);
            assert!(seen.features.into_data().iter::<f64>().all(f64::is_finite), "{}", row.name);
        }
    }
}
