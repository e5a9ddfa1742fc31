//! The `diffusion` part of a yml file of the code of DDIM.

use super::{Process, linear, unknown};
use crate::recipe::{ChainSettings, VarianceName};
use undrift_checkpoints::{CheckpointError, Settings};

/// The process of these settings.
pub(super) fn process(s: &Settings) -> Result<Process, CheckpointError> {
    let diffusion = s.section("diffusion")?;
    let length = diffusion.or("num_diffusion_timesteps", 1000)?;
    let (start, end) = (diffusion.or("beta_start", 1e-4)?, diffusion.or("beta_end", 0.02)?);
    let chain = match diffusion.or("beta_schedule", "linear".to_owned())?.as_str() {
        "linear" => linear(length, start, end),
        "quad" => ChainSettings::Quadratic { length, start, end },
        "const" => ChainSettings::Constant { length, beta: end },
        "jsd" => ChainSettings::Jsd { length },
        other => return Err(unknown("diffusion.beta_schedule", other, "linear, quad, const, jsd")),
    };
    let variance = match s.section("model")?.or("var_type", "fixedlarge".to_owned())?.as_str() {
        "fixedlarge" => VarianceName::FixedLarge,
        "fixedsmall" => VarianceName::FixedSmall,
        other => return Err(unknown("model.var_type", other, "fixedlarge, fixedsmall")),
    };
    Ok(Process { chain, variance, ..Process::ddpm() })
}
