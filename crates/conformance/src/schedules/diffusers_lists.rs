//! Golden vectors of schedules, diffusers lists.

use undrift_schedules::peers;

use super::{add, against, signed, whole};
use crate::case::{Cases, Outcome};
use crate::compare::Tolerance;
use crate::error::FixtureError;
use crate::sidecar::Node;
use crate::tolerances;

/// The timesteps that each scheduler of diffusers visits.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) {
    let Some(list) = root.find("cases") else {
        return;
    };
    for case in list.members() {
        match compared(&case) {
            Ok((label, outcome)) => add(cases, &label, Ok(outcome)),
            Err(error) => cases.error("timesteps", error),
        }
    }
}

fn compared(case: &Node<'_>) -> Result<(String, Outcome), FixtureError> {
    let (scheduler, spacing) = (case.text("scheduler")?, case.text("spacing")?);
    let (len, steps) = (case.count("T")?, case.count("n")?);
    let offset = case.count_or("steps_offset", 0)?;
    let ours = timesteps(scheduler, spacing, len, steps, offset);
    let tolerance = match is_fractional(scheduler) && spacing == "linspace" {
        true => tolerances::SINGLE_TIME,
        false => Tolerance::EXACT,
    };
    let outcome = against(ours, case, "timesteps", tolerance)?;
    Ok((format!("{scheduler} {spacing} T={len} n={steps} offset={offset}"), outcome))
}

/// The list of one scheduler, noisiest first.
pub(super) fn timesteps(
    scheduler: &str,
    spacing: &str,
    len: usize,
    steps: usize,
    offset: usize,
) -> Result<Vec<f64>, FixtureError> {
    let multistep = scheduler == "DPMSolverMultistepScheduler";
    let plain = matches!(scheduler, "DDPMScheduler" | "DDIMScheduler");
    if !(multistep || plain || is_fractional(scheduler)) {
        return Err(FixtureError::NotCovered(format!("a scheduler called `{scheduler}`")));
    }
    let list = match spacing {
        "leading" if multistep => peers::diffusers_multistep_leading(len, steps, offset).map(whole),
        "leading" => peers::diffusers_leading(len, steps, offset).map(whole),
        "linspace" if multistep => peers::diffusers_multistep_linspace(len, steps).map(whole),
        "linspace" if plain => peers::diffusers_linspace(len, steps).map(whole),
        "linspace" => peers::diffusers_euler_linspace(len, steps),
        "trailing" => peers::diffusers_trailing(len, steps).map(signed),
        other => return Err(FixtureError::NotCovered(format!("a spacing called `{other}`"))),
    };
    list.map_err(FixtureError::refused)
}

/// Schedulers whose evenly spaced timesteps are not rounded.
fn is_fractional(scheduler: &str) -> bool {
    matches!(scheduler, "EulerDiscreteScheduler" | "HeunDiscreteScheduler")
}
