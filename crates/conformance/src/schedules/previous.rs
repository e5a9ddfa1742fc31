//! Golden vectors of schedules, previous.

use undrift_schedules::peers;

use super::{add, against, signed};
use crate::case::Cases;
use crate::compare::Tolerance;
use crate::error::FixtureError;
use crate::sidecar::Node;

/// Length of the chain where a sidecar does not say: the default of diffusers.
const LENGTH: usize = 1000;

/// Where DDIM's and DDPM's schedulers of diffusers land from each timestep of their own list.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) -> Result<(), FixtureError> {
    for case in root.get("cases")?.members() {
        let len = case.count_or("T", root.count_or("T", LENGTH)?)?;
        let (spacing, steps) = (case.text("spacing")?, case.count("n")?);
        let timesteps = super::diffusers_lists::timesteps("DDPMScheduler", spacing, len, steps, 0)?;
        let timesteps: Vec<i64> = timesteps.into_iter().map(|t| t as i64).collect();
        for (field, table) in case.fields() {
            if table.is_list() {
                let ours = ours(field, &timesteps, len, steps);
                let compared = against(ours, &case, field, Tolerance::EXACT);
                add(cases, &format!("{spacing} n={steps} {field}"), compared);
            }
        }
    }
    Ok(())
}

fn ours(table: &str, timesteps: &[i64], len: usize, steps: usize) -> Result<Vec<f64>, FixtureError> {
    let previous = |t: i64| {
        let from = usize::try_from(t).map_err(FixtureError::refused)?;
        peers::diffusers_ddim_previous(from, len, steps).map_err(FixtureError::refused)
    };
    let landed = timesteps.iter().map(|&t| previous(t)).collect::<Result<Vec<i64>, _>>()?;
    match table {
        "ddpm_prev" => Ok(signed(peers::diffusers_ddpm_previous(timesteps))),
        "ddim_t_and_prev" => {
            let pairs = timesteps.iter().zip(&landed);
            Ok(signed(pairs.flat_map(|(&t, &previous)| [t, previous])))
        }
        "ddim_prev_equals_next_timestep" => {
            let next = timesteps.iter().skip(1).zip(&landed);
            Ok(signed(next.map(|(next, landed)| i64::from(next == landed))))
        }
        other => Err(FixtureError::NotCovered(format!("a table called `{other}`"))),
    }
}
