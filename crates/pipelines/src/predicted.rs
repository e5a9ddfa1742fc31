//! What a published network predicts.

use serde::Serialize;
use undrift_denoisers::{Eps, MuTilde, Parameterisation, V, X0};
use undrift_schedules::Chain;

/// What (the first half of) a network's output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predicted {
    /// The noise.
    Eps,
    /// The clean image.
    X0,
    /// `signal * eps - noise * x0` (Salimans and Ho 2022, arXiv:2202.00512).
    V,
    /// The mean of the posterior q(x_{t-1} | x_t, x_0), which no layout has a word for.
    MuTilde,
}

impl Predicted {
    /// What that means at the levels of a chain.
    pub fn parameterisation(self, chain: &Chain) -> Box<dyn Parameterisation> {
        match self {
            Predicted::Eps => Box::new(Eps),
            Predicted::X0 => Box::new(X0),
            Predicted::V => Box::new(V),
            Predicted::MuTilde => Box::new(MuTilde { chain: chain.clone() }),
        }
    }
}
