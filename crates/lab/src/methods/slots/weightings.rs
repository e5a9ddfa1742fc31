//! The weightings by name: how much the squared error of a level counts.

use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use undrift_losses::{Weigh, Weighting};

/// Weightings of squared errors.
pub struct Weightings;

impl Slot for Weightings {
    const NAME: &'static str = "weighting";
    const WRITTEN: &'static str = "`model.weighting`";
    type Build = fn(&Values) -> Result<Box<dyn Weigh>, MethodError>;
}

/// Every weighting of `undrift-losses`.
pub const WEIGHTINGS: &[Row<Weightings>] = &[
    Row {
        name: "uniform",
        about: "1 on the error of the network's output",
        parameters: &[],
        build: |_| Ok(Box::new(Weighting::Uniform)),
    },
    Row {
        name: "p2",
        about: "1 / (k + SNR)^gamma on the error of eps (Choi et al. 2022, arXiv:2204.00227)",
        parameters: &[
            Parameter::number("k", None, "added to the signal-to-noise ratio, above 0; 1 in the paper"),
            Parameter::number("gamma", None, "exponent, from 0; 0.5 or 1 in the paper"),
        ],
        build: |values| Ok(Box::new(Weighting::P2 { k: values.number("k"), gamma: values.number("gamma") })),
    },
    Row {
        name: "min-snr",
        about: "min(SNR, gamma) on the error of x0 (Hang et al. 2023, arXiv:2303.09556)",
        parameters: &[Parameter::number("gamma", None, "where the weight stops growing, above 0; 5 in the paper")],
        build: |values| Ok(Box::new(Weighting::MinSnr { gamma: values.number("gamma") })),
    },
    Row {
        name: "edm",
        about: "(sigma^2 + sigma_data^2) / (sigma sigma_data)^2 on the error of x0 (Karras et al. 2022, arXiv:2206.00364)",
        parameters: &[Parameter::number(
            "sigma_data",
            None,
            "standard deviation of the data, above 0; 0.5 in the paper",
        )],
        build: |values| Ok(Box::new(Weighting::Edm { sigma_data: values.number("sigma_data") })),
    },
    Row {
        name: "snr",
        about: "1 / sigma^2 on the error of x0, which is 1 on the error of eps, whatever the network predicts",
        parameters: &[],
        build: |_| Ok(Box::new(Weighting::Snr)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;
    use crate::methods::slots::PREDICTIONS;
    use undrift_schedules::Chain;

    const EXAMPLES: [&str; 5] = ["uniform", "p2:k=1,gamma=0.5", "min-snr:gamma=5", "edm:sigma_data=0.5", "snr"];

    #[test]
    fn every_row_weighs_every_level_with_a_finite_number_above_0() {
        let (methods, chain) = (Methods::standard(), Chain::cosine(100).unwrap());
        for row in WEIGHTINGS {
            let example = EXAMPLES.iter().find(|text| text.split(':').next() == Some(row.name));
            let weighting = methods.weighting(&example.expect(row.name).parse().unwrap()).unwrap();
            for prediction in PREDICTIONS {
                let prediction = methods.prediction(&prediction.name.parse().unwrap(), &chain).unwrap();
                for &level in chain.levels() {
                    let weight = weighting.weight(&*prediction, level).unwrap();
                    assert!(weight > 0.0 && weight.is_finite(), "{}: {weight} at {}", row.name, level.time());
                }
            }
        }
    }

    #[test]
    fn min_snr_stops_where_it_is_told_to() {
        let (methods, chain) = (Methods::standard(), Chain::linear(1000).unwrap());
        let weighting = methods.weighting(&"min-snr:gamma=5".parse().unwrap()).unwrap();
        let x0 = methods.prediction(&"x0".parse().unwrap(), &chain).unwrap();
        assert_eq!(weighting.weight(&*x0, chain.levels()[0]).unwrap(), 5.0);
        let last = chain.levels()[999];
        assert_eq!(weighting.weight(&*x0, last).unwrap(), last.snr());
    }
}
