//! The further scores by name: what is measured of samples beside distance, inception score and bits per dimension.

use crate::methods::{MethodError, Row, Slot, Values};
use undrift_metrics::NearestImage;
use undrift_studies::MakeMetric;

/// Further scores of samples.
pub struct Scores;

impl Slot for Scores {
    const NAME: &'static str = "score";
    const WRITTEN: &'static str = "`metrics.further`";
    type Build = fn(&Values) -> Result<MakeMetric, MethodError>;
}

/// Every further score.
pub const SCORES: &[Row<Scores>] = &[Row {
    name: "nearest-image",
    about: "root-mean-square difference to the nearest training image, in grey levels: 0 for a model that copies",
    parameters: &[],
    build: |_| {
        Ok(Box::new(|train, _| {
            let metric = NearestImage::new(train.pixels().to_vec(), train.pixels_per_image())?;
            Ok(Box::new(metric))
        }))
    },
}];
