//! The process of DiT's code: `create_diffusion`, as its `sample.py` calls it.

use super::respacing;
use crate::{Betas, Predicted, Process, StepVariance, X0Limit};
use undrift_checkpoints::layouts::dit;
use undrift_checkpoints::{CheckpointError, Reading, Settings};
use undrift_schedules::Spacing;

const DEFAULT: &str = "what create_diffusion takes";

/// The process of these settings, never clipped; `twice`: whether the network gives twice the channels of its input.
pub(super) fn process(settings: &Settings, twice: bool) -> Result<Process, CheckpointError> {
    let settings = dit::checked(settings)?;
    let mut s = Reading::new(&settings);
    let length = s.or("diffusion_steps", 1000, DEFAULT)?;
    let chain = match s.or("noise_schedule", "linear".to_owned(), DEFAULT)?.as_str() {
        "linear" => Betas::LinearScaled { length },
        "squaredcos_cap_v2" => Betas::Cosine { length },
        other => return Err(CheckpointError::unknown("noise_schedule", other, "linear, squaredcos_cap_v2")),
    };
    let predicts_x0 = s.or("predict_xstart", false, DEFAULT)?;
    let variance = match twice {
        true => StepVariance::LearnedRange,
        false if s.or("sigma_small", false, DEFAULT)? => StepVariance::FixedSmall,
        false => StepVariance::FixedLarge,
    };
    s.assume("cfg_scale", 1.0, "the plain condition; sample.py guides by 4, which is --cfg-scale 4");
    let (key, steps) = steps(&settings, length, &mut s)?;
    Ok(Process {
        visits: respacing::visits(key, &steps, &chain)?,
        chain,
        prediction: if predicts_x0 { Predicted::X0 } else { Predicted::Eps },
        variance,
        limit: X0Limit::None,
        spacing: Spacing::Linspace,
        assumed: s.assumed(),
        ..Process::ddpm()
    })
}

/// What is respaced by, and the key that says so: `timestep_respacing` is what `create_diffusion` takes, and
/// `num_sampling_steps` what `sample.py` gives it.
fn steps(settings: &Settings, length: usize, s: &mut Reading<'_>) -> Result<(&'static str, String), CheckpointError> {
    const OWN: &str = "timestep_respacing";
    const SCRIPT: &str = "num_sampling_steps";
    match (settings.get::<String>(OWN)?, settings.get::<String>(SCRIPT)?) {
        (Some(own), Some(script)) if own != script => Err(CheckpointError::Setting {
            key: SCRIPT.to_owned(),
            value: script,
            expected: format!("{OWN} is {own}; give one of them"),
        }),
        (Some(own), _) => Ok((OWN, own)),
        (None, Some(script)) => Ok((SCRIPT, script)),
        (None, None) => Ok((SCRIPT, s.assume(SCRIPT, STEPS.min(length).to_string(), "what sample.py takes"))),
    }
}

/// Steps of `sample.py`.
const STEPS: usize = 250;
