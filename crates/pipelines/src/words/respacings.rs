//! The words of `timestep_respacing`, which several codes share.

use crate::Visits;
use undrift_checkpoints::Settings;

/// How a setting of `timestep_respacing` may read that chooses these levels, the one that was said first.
pub(super) fn respacings(visits: &Visits, said: &Settings) -> Vec<String> {
    let Visits::Chosen(ts) = visits else { return vec![String::new()] };
    let given = ["timestep_respacing", "num_sampling_steps"].into_iter().filter_map(|key| said.value(key));
    let given = given.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    given.chain([ts.len().to_string(), format!("ddim{}", ts.len())]).collect()
}
