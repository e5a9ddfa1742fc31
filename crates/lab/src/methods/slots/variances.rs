//! The variances of reverse steps by name.

use crate::methods::{MethodError, Row, Slot, Values};
use undrift_denoisers::{OutputVariance, Variance};

/// Variances of reverse steps.
pub struct Variances;

/// The variance of reverse steps, and what the network says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariancesOf {
    /// The variance of a step.
    pub steps: Variance,
    /// What the second half of the network's channels is.
    pub output: OutputVariance,
}

impl Slot for Variances {
    const NAME: &'static str = "variance";
    const WRITTEN: &'static str = "`model.variance`";
    type Build = fn(&Values) -> Result<VariancesOf, MethodError>;
}

/// Every variance.
pub const VARIANCES: &[Row<Variances>] = &[
    row("fixed-small", "beta_tilde (Ho et al. 2020, arXiv:2006.11239)", |_| {
        Ok(VariancesOf { steps: Variance::FixedSmall, output: OutputVariance::None })
    }),
    row("fixed-large", "beta (Ho et al. 2020, arXiv:2006.11239)", |_| {
        Ok(VariancesOf { steps: Variance::FixedLarge, output: OutputVariance::None })
    }),
    row("learned", "a log-variance per value, predicted by the network (Ho et al. 2020, table 2)", |_| {
        Ok(VariancesOf { steps: Variance::Learned, output: OutputVariance::LogVariance })
    }),
    row(
        "learned-range",
        "predicted between beta_tilde and beta (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 15)",
        |_| Ok(VariancesOf { steps: Variance::Learned, output: OutputVariance::Range }),
    ),
];

const fn row(name: &'static str, about: &'static str, build: <Variances as Slot>::Build) -> Row<Variances> {
    Row { name, about, parameters: &[], build }
}

impl VariancesOf {
    /// Output channels for each channel of an image: two where the network says something about the variance.
    pub fn outputs(self) -> usize {
        match self.output {
            OutputVariance::None => 1,
            OutputVariance::LogVariance | OutputVariance::Range => 2,
        }
    }

    /// Whether the network says something about the variance.
    pub fn is_learned(self) -> bool {
        self.output != OutputVariance::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;

    #[test]
    fn a_network_says_something_about_a_learned_variance_alone() {
        let methods = Methods::standard();
        for row in VARIANCES {
            let of = methods.variance(&row.name.parse().unwrap()).unwrap();
            assert_eq!(of.is_learned(), of.steps == Variance::Learned, "{}", row.name);
            assert_eq!(of.outputs(), if row.name.starts_with("learned") { 2 } else { 1 }, "{}", row.name);
        }
    }
}
