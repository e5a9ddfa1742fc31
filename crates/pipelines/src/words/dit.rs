//! A process as the arguments of DiT's `create_diffusion`.

use super::guided;
use super::respacings::respacings;
use crate::{Process, PublishedSolver};
use undrift_checkpoints::Settings;

/// Arguments that may say this process; `said` are those that it was read from.
pub(super) fn words(process: &Process, said: &Settings) -> Result<Vec<Settings>, String> {
    if process.solver != PublishedSolver::Ddpm {
        return Err(format!("the sampler `{}`", process.solver));
    }
    let shared = guided::trained(process, "squaredcos_cap_v2")?;
    let respaced = |text: String| shared.clone().with("timestep_respacing", text);
    Ok(respacings(&process.visits, said).into_iter().map(respaced).collect())
}
