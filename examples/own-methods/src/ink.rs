//! How much of the images is bright.

use burn::tensor::Tensor;
use undrift_lab::methods::slots::Scores;
use undrift_lab::methods::{MethodError, Parameter, Row};
use undrift_metrics::{Better, Metric, MetricError, Score};

/// The share of values above a grey level.
struct Ink {
    above: f64,
    bright: f64,
    values: f64,
}

impl Metric for Ink {
    fn add(&mut self, images: Tensor<4>) -> Result<(), MetricError> {
        self.values += images.dims().iter().product::<usize>() as f64;
        self.bright += images.into_data().iter::<f64>().filter(|value| *value > self.above).count() as f64;
        Ok(())
    }

    fn scores(&self) -> Result<Vec<Score>, MetricError> {
        if self.values == 0.0 {
            return Err(MetricError::NoImages);
        }
        let value = 100.0 * self.bright / self.values;
        Ok(vec![Score { name: "ink".to_owned(), value, spread: None, better: Better::Lower, unit: "%" }])
    }
}

pub(crate) const ROW: Row<Scores> = Row {
    name: "ink",
    about: "share of the values above a grey level",
    parameters: &[Parameter::number("above", Some(0.0), "the level, in (-1, 1)")],
    build: |values| match values.number("above") {
        above if above > -1.0 && above < 1.0 => {
            Ok(Box::new(move |_, _| Ok(Box::new(Ink { above, bright: 0.0, values: 0.0 }))))
        }
        other => Err(MethodError::refused(values.method(), format!("`above` is {other}, but must lie in (-1, 1)"))),
    },
};
