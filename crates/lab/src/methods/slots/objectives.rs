//! The objectives by name: what training minimises.

use super::VariancesOf;
use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use undrift_losses::{Bound, Corruption, Hybrid, HybridBound, Importance, Objective, Simple, Weigh};
use undrift_schedules::Chain;

/// What training minimises.
pub struct Objectives;

/// What an objective is made of beside its own parameters.
pub struct ObjectiveParts<'a> {
    /// The forward process.
    pub chain: &'a Chain,
    /// The variance of reverse steps.
    pub variance: VariancesOf,
    /// How training inputs are made.
    pub corruption: Box<dyn Corruption<4>>,
    /// How much the squared error of a level counts; none where all count alike.
    pub weighting: Option<Box<dyn Weigh>>,
}

impl Slot for Objectives {
    const NAME: &'static str = "objective";
    const WRITTEN: &'static str = "`model.objective`";
    type Build = fn(&Values, ObjectiveParts<'_>) -> Result<Box<dyn Objective<4>>, MethodError>;
}

/// Every objective on a chain.
pub const OBJECTIVES: &[Row<Objectives>] = &[
    Row {
        name: "simple",
        about: "mean squared error in the network's own output space, weighed; L_simple for eps (Ho et al. 2020, \
                arXiv:2006.11239, eq. 14)",
        parameters: &[],
        build: |values, parts| {
            if parts.variance.is_learned() {
                let why = "a learned variance is trained by the bound only (`bound`, `hybrid` or `importance-bound`)";
                return Err(MethodError::refused(values.method(), why));
            }
            let corruption = parts.corruption;
            Ok(match parts.weighting {
                Some(weighting) => Box::new(Simple { corruption, weighting }),
                None => Box::new(Simple { corruption, weighting: undrift_losses::Weighting::Uniform }),
            })
        },
    },
    Row {
        name: "bound",
        about: "the variational bound L, one random term per image, in bits per dimension (Ho et al. 2020, eq. 5)",
        parameters: &[],
        build: |values, parts| {
            unweighed(values, &parts)?;
            Ok(Box::new(Bound { corruption: parts.corruption, variance: parts.variance.steps }))
        },
    },
    Row {
        name: "hybrid",
        about: "L_simple and a share of the bound, which teaches the variance alone (Nichol and Dhariwal 2021, \
                arXiv:2102.09672, eq. 16)",
        parameters: &[Parameter::number("lambda", Some(Hybrid::LAMBDA), "the bound's share, from 0")],
        build: |values, parts| {
            unweighed(values, &parts)?;
            if !parts.variance.is_learned() {
                let why = "its bound teaches a learned variance; choose `learned-range`";
                return Err(MethodError::refused(values.method(), why));
            }
            Ok(Box::new(HybridBound { corruption: parts.corruption, lambda: values.number("lambda") }))
        },
    },
    Row {
        name: "importance-bound",
        about: "the bound at levels drawn in proportion to their last losses (the same paper's L_vlb)",
        parameters: &[],
        build: |values, parts| {
            unweighed(values, &parts)?;
            let bound = Bound { corruption: parts.corruption, variance: parts.variance.steps };
            let sampled = Importance::new(bound, parts.chain.len());
            Ok(Box::new(sampled.map_err(|why| MethodError::refused(values.method(), why))?))
        },
    },
];

fn unweighed(values: &Values, parts: &ObjectiveParts<'_>) -> Result<(), MethodError> {
    if parts.weighting.is_none() {
        return Ok(());
    }
    Err(MethodError::refused(values.method(), "`model.weighting` weighs squared errors; choose objective `simple`"))
}
