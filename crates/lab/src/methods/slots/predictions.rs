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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;

    /// An output made of x0 and eps says x0 and eps again.
    #[test]
    fn every_row_finds_x0_and_eps_in_the_output_that_it_asks_for() {
        let (methods, chain) = (Methods::standard(), Chain::linear(100).unwrap());
        let (x0, eps) = (0.3, -1.2);
        for row in PREDICTIONS {
            let prediction = methods.prediction(&row.name.parse().unwrap(), &chain).unwrap();
            for &level in chain.levels() {
                let x = level.signal() * x0 + level.noise() * eps;
                let (of_x0, of_eps) = prediction.target_of(level).unwrap();
                let output = of_x0 * x0 + of_eps * eps;
                for ((a, b), expected) in
                    [(prediction.x0_of(level).unwrap(), x0), (prediction.eps_of(level).unwrap(), eps)]
                {
                    let found = a * x + b * output;
                    assert!((found - expected).abs() < 1e-9, "{} at {}: {found}", row.name, level.time());
                }
            }
        }
    }
}
