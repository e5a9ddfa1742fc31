//! The corruptions by name: how training inputs are made.

use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use undrift_losses::{Corruption, InputPerturbation, Plain};
use undrift_schedules::Chain;

/// Ways to make training inputs.
pub struct Corruptions;

impl Slot for Corruptions {
    const NAME: &'static str = "corruption";
    const WRITTEN: &'static str = "`model.corruption`";
    type Build = fn(&Values, &Chain) -> Result<Box<dyn Corruption<4>>, MethodError>;
}

/// Every corruption of `undrift-losses`.
pub const CORRUPTIONS: &[Row<Corruptions>] = &[
    Row {
        name: "plain",
        about: "the forward process itself (Ho et al. 2020, arXiv:2006.11239, eq. 4)",
        parameters: &[],
        build: |_, _| Ok(Box::new(Plain)),
    },
    Row {
        name: "input-perturbation",
        about: "the network sees more noise than it is asked for (Ning et al. 2023, arXiv:2301.11706)",
        parameters: &[Parameter::number("gamma", None, "strength in units of the level's noise, from 0; 0 is neutral")
            .named(&[
                ("paper", InputPerturbation::PAPER_GAMMA),
                ("released-cifar10", InputPerturbation::RELEASED_CIFAR10_GAMMA),
            ])],
        build: |values, _| {
            let corruption = InputPerturbation::new(values.number("gamma"));
            Ok(Box::new(corruption.map_err(|why| MethodError::refused(values.method(), why))?))
        },
    },
];
