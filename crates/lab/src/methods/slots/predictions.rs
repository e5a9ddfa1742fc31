//! The parameterisations by name: what a network's output is.

use crate::methods::{MethodError, Row, Slot, Values};
use undrift_denoisers::{Eps, MuTilde, Parameterisation, V, X0};
use undrift_schedules::Chain;

/// What a network's output is.
pub struct Predictions;

impl Slot for Predictions {
    const NAME: &'static str = "prediction";
    const WRITTEN: &'static str = "`model.prediction`";
    type Build = fn(&Values, &Chain) -> Result<Box<dyn Parameterisation>, MethodError>;
}

/// Every parameterisation that a network on a chain can have.
pub const PREDICTIONS: &[Row<Predictions>] = &[
    Row {
        name: "eps",
        about: "the noise (Ho et al. 2020, arXiv:2006.11239)",
        parameters: &[],
        build: |_, _| Ok(Box::new(Eps)),
    },
    Row { name: "x0", about: "the clean image", parameters: &[], build: |_, _| Ok(Box::new(X0)) },
    Row {
        name: "v",
        about: "signal eps - noise x0 (Salimans and Ho 2022, arXiv:2202.00512)",
        parameters: &[],
        build: |_, _| Ok(Box::new(V)),
    },
    Row {
        name: "mu-tilde",
        about: "the mean of the posterior q(x_{t-1} | x_t, x_0) (Ho et al. 2020, arXiv:2006.11239, eq. 7); tied to its own \
                chain",
        parameters: &[],
        build: |_, chain| Ok(Box::new(MuTilde { chain: chain.clone() })),
    },
];
