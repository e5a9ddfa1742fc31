//! Golden vectors of schedules, lucidrains.

use undrift_schedules::{Chain, peers};

use super::{add, against};
use crate::case::Cases;
use crate::error::FixtureError;
use crate::sidecar::Node;
use crate::{setting, tolerances};

/// Beta schedules of denoising-diffusion-pytorch: lists named `linear_beta_schedule_T1000`.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) {
    for (name, table) in root.fields() {
        if table.is_list() {
            add(cases, name, against(betas(name), root, name, tolerances::BETA_OF_RATIO));
        }
    }
}

fn betas(name: &str) -> Result<Vec<f64>, FixtureError> {
    let unknown = || FixtureError::NotCovered(format!("a table called `{name}`"));
    let (function, steps) = name.rsplit_once("_T").ok_or_else(unknown)?;
    let steps = steps.parse().map_err(|_| unknown())?;
    match function {
        "linear_beta_schedule" => {
            let chain = Chain::linear_scaled(steps).map_err(setting::no_chain)?;
            Ok(chain.betas().to_vec())
        }
        "cosine_beta_schedule" => Ok(peers::lucidrains_cosine_betas(steps)),
        // Its defaults: a start of -3, an end of 3 and a temperature of 1.
        "sigmoid_beta_schedule" => Ok(peers::lucidrains_sigmoid_betas(steps, -3.0, 3.0, 1.0)),
        _ => Err(unknown()),
    }
}
