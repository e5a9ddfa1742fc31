//! A process in the words of a published code, such that the reader of those words finds the same process.

mod diffusers;
mod dit;
mod ermongroup;
mod guided;
mod same;

use super::{Process, Visits};
use crate::recipe::{PredictionName, VarianceName};
use undrift_checkpoints::{CheckpointError, Layout, NetworkConfig, Settings};

impl Process {
    /// The settings that say this process in a layout's words; none for a classifier, which is asked at the levels of
    /// the network that it guides.
    ///
    /// Every value is written out, and the settings are read again before they are given: what would sample otherwise,
    /// by its own sampler or by DDIM, is refused. `said` are the settings that the process was read from, if it was.
    ///
    /// # Errors
    /// [`CheckpointError::Inexpressible`] names what the layout cannot hold: of the network, or of the process.
    pub fn words(&self, layout: Layout, config: &NetworkConfig, said: &Settings) -> Result<Settings, CheckpointError> {
        let network = layout.settings(config)?;
        let refused = |what| CheckpointError::Inexpressible { layout: layout.name(), what };
        let candidates = match layout {
            Layout::GuidedClassifier => return Ok(Settings::default()),
            _ if self.prediction == PredictionName::MuTilde => Err("mu_tilde as prediction (`mu-tilde`)".to_owned()),
            _ if self.variance == VarianceName::Learned => Err(LOG_VARIANCE.to_owned()),
            Layout::Diffusers => diffusers::words(self),
            Layout::Ermongroup => ermongroup::words(self, said),
            Layout::GuidedDiffusion => guided::words(self, said),
            Layout::Dit => dit::words(self, said),
        };
        let mut differs = String::new();
        for words in candidates.map_err(refused)? {
            match self.again(layout, &network, &words, config) {
                Ok(()) => return Ok(words),
                Err(what) => differs = what,
            }
        }
        Err(refused(differs))
    }

    /// Reads words as they will be read, and says what has become another.
    fn again(
        &self,
        layout: Layout,
        network: &Settings,
        words: &Settings,
        config: &NetworkConfig,
    ) -> Result<(), String> {
        let written = match layout {
            Layout::Diffusers => words.clone(),
            _ => layout.as_sidecar(network.clone().overlaid(words)),
        };
        let object = serde_json::from_str(&written.to_json()).map_err(|error| error.to_string())?;
        let read = Process::of(layout, &Settings::new(object), config).map_err(|error| error.to_string())?;
        same::check(self, &read)
    }
}

const LOG_VARIANCE: &str = "a log-variance as the network's second half (`learned`), only a position between beta_tilde and beta \
                            (`learned-range`)";

/// How a setting of `timestep_respacing` may read that chooses these levels, the one that was said first.
fn respacings(visits: &Visits, said: &Settings) -> Vec<String> {
    let Visits::Chosen(ts) = visits else { return vec![String::new()] };
    let given = ["timestep_respacing", "num_sampling_steps"].into_iter().filter_map(|key| said.value(key));
    let given = given.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    given.chain([ts.len().to_string(), format!("ddim{}", ts.len())]).collect()
}

/// The name of a setting's value as recipes have it.
fn name(value: impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
