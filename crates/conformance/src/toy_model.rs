//! The toy model of a fixture as a typed value.

use serde::{Deserialize, Serialize};
use undrift_denoisers::OutputVariance;

use crate::edm_toy::EdmToy;
use crate::error::FixtureError;
use crate::toy::{Pull, ToyEps, Wave};

/// What stands in for a trained network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToyModel {
    /// A prediction of eps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) eps: Option<ToyEps>,
    /// A prediction of x0 in `x` and sigma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) x0: Option<EdmToy>,
    /// The second half of the channels where it is a learned range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<Wave>,
    /// The second half of the channels where it is a learned log-variance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_variance: Option<Wave>,
    /// The gradient of a classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gradient: Option<Pull>,
}

impl ToyModel {
    pub(crate) fn eps(&self) -> Result<ToyEps, FixtureError> {
        self.eps.ok_or_else(|| missing("eps"))
    }

    pub(crate) fn x0(&self) -> Result<EdmToy, FixtureError> {
        self.x0.ok_or_else(|| missing("x0"))
    }

    pub(crate) fn gradient(&self) -> Result<Pull, FixtureError> {
        self.gradient.ok_or_else(|| missing("gradient"))
    }

    /// The second half of the channels, where there is one.
    pub(crate) fn channel(&self, channels: OutputVariance) -> Result<Option<Wave>, FixtureError> {
        match channels {
            OutputVariance::None => Ok(None),
            OutputVariance::Range => self.range.map(Some).ok_or_else(|| missing("range")),
            OutputVariance::LogVariance => self.log_variance.map(Some).ok_or_else(|| missing("log_variance")),
        }
    }
}

fn missing(part: &str) -> FixtureError {
    FixtureError::NoField { field: format!("model.{part}") }
}
