//! Golden vectors of schedules, skips.

use undrift_schedules::peers;

use super::{add, against, whole};
use crate::case::Cases;
use crate::compare::Tolerance;
use crate::error::FixtureError;
use crate::sidecar::Node;

/// Length of the chain where a sidecar of skip lists does not say: that of all the models of these peers.
const LENGTH: usize = 1000;

/// The subsequences of DDIM's and of TS-DPM's code, `S10` being 10 steps.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) -> Result<(), FixtureError> {
    let len = root.count_or("T", LENGTH)?;
    for (label, lists) in root.fields() {
        let Some(steps) = label.strip_prefix('S').and_then(|steps| steps.parse().ok()) else {
            continue;
        };
        for (rule, _) in lists.fields() {
            let compared = against(list(rule, len, steps), &lists, rule, Tolerance::EXACT);
            add(cases, &format!("{label} {rule}"), compared);
        }
    }
    Ok(())
}

fn list(rule: &str, len: usize, steps: usize) -> Result<Vec<f64>, FixtureError> {
    let list = match rule {
        "ermongroup_uniform" => peers::ermongroup_uniform(len, steps),
        "ermongroup_quad" => peers::ermongroup_quadratic(len, steps),
        "tsdpm_uniform" => peers::ts_dpm_uniform(len, steps),
        "tsdpm_quad" => peers::ts_dpm_quadratic(len, steps),
        other => return Err(FixtureError::NotCovered(format!("a rule called `{other}`"))),
    };
    list.map(whole).map_err(FixtureError::refused)
}
