//! The conditions by name: what a network is told beside the noised image.

use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use undrift_studies::Conditioning;

/// What a network is told.
pub struct Conditions;

impl Slot for Conditions {
    const NAME: &'static str = "condition";
    const WRITTEN: &'static str = "`model.condition`";
    /// Of a data set with so many classes.
    type Build = fn(&Values, Option<u32>) -> Result<Conditioning, MethodError>;
}

/// Every condition.
pub const CONDITIONS: &[Row<Conditions>] = &[
    Row { name: "none", about: "nothing", parameters: &[], build: |_, _| Ok(Conditioning::None) },
    Row {
        name: "classes",
        about: "the class of each image; samples are of the first, the second, .. by turns",
        parameters: &[Parameter::number(
            "dropout",
            Some(0.0),
            "probability that training takes an image's class away, in [0, 1] (Ho and Salimans 2022, arXiv:2207.12598: 0.1 \
             or 0.2)",
        )],
        build: |values, classes| {
            let dropout = values.number("dropout");
            if !(0.0..=1.0).contains(&dropout) {
                return Err(MethodError::refused(
                    values.method(),
                    format!("`dropout` is {dropout}; it lies in [0, 1]"),
                ));
            }
            let refused = || MethodError::refused(values.method(), "this data set has no classes");
            Ok(Conditioning::Classes { count: classes.ok_or_else(refused)?, dropout })
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;

    fn made(text: &str, classes: Option<u32>) -> Result<Conditioning, String> {
        Methods::standard().condition(&text.parse().unwrap(), classes).map_err(|error| error.to_string())
    }

    #[test]
    fn every_row_fits_a_data_set_with_classes() {
        for row in CONDITIONS {
            made(row.name, Some(10)).unwrap();
        }
        let classes = made("classes:dropout=0.1", Some(10)).unwrap();
        assert_eq!(classes, Conditioning::Classes { count: 10, dropout: 0.1 });
    }

    #[test]
    fn classes_that_there_are_not_and_impossible_probabilities_are_refused() {
        assert_eq!(made("none", None), Ok(Conditioning::None));
        assert!(made("classes", None).unwrap_err().contains("no classes"));
        assert!(made("classes:dropout=1.5", Some(10)).unwrap_err().contains("`dropout` is 1.5"));
    }
}
