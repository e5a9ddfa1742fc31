//! A chain whose alpha_bar falls in a straight line.

use undrift_lab::methods::slots::Chains;
use undrift_lab::methods::{MethodError, Parameter, Row};
use undrift_schedules::Chain;

/// `alpha_bar_t = 1 - t / (T + 1)`.
pub(crate) const ROW: Row<Chains> = Row {
    name: "falling-line",
    about: "alpha_bar falls in a straight line",
    parameters: &[Parameter::count("length", None, "T, the number of levels")],
    build: |values, _| {
        let length = values.count("length");
        let betas = (0..length).map(|t| 1.0 / (length + 1 - t) as f64);
        Chain::from_betas(betas).map_err(|why| MethodError::refused(values.method(), why))
    },
};
