//! A process in the words of a published code, such that the reader of those words finds the same process.

mod diffusers;
mod dit;
mod ermongroup;
mod guided;
mod name;
mod respacings;
mod same;

use crate::{Predicted, Process, StepVariance};
use burn::tensor::Device;
use undrift_checkpoints::{CheckpointError, Layout, NetworkConfig, Settings};

impl Process {
    /// The settings that say this process in a layout's words; none for a classifier, which is asked at the levels of
    /// the network that it guides.
    ///
    /// Every value is written out, and the settings are read again before they are given: what would sample otherwise,
    /// by its own sampler or by DDIM, is refused. `said` are the settings that the process was read from, if it was;
    /// samplers are tried on `device`.
    ///
    /// # Errors
    /// [`CheckpointError::Inexpressible`] names what the layout cannot hold: of the network, or of the process.
    pub fn words(
        &self,
        layout: Layout,
        config: &NetworkConfig,
        said: &Settings,
        device: &Device,
    ) -> Result<Settings, CheckpointError> {
        let network = layout.settings(config)?;
        let refused = |what| CheckpointError::Inexpressible { layout: layout.name(), what };
        let candidates = match layout {
            Layout::GuidedClassifier => return Ok(Settings::default()),
            _ if self.prediction == Predicted::MuTilde => Err("mu_tilde as prediction (`mu-tilde`)".to_owned()),
            _ if self.variance == StepVariance::Learned => Err(LOG_VARIANCE.to_owned()),
            Layout::Diffusers => diffusers::words(self),
            Layout::Ermongroup => ermongroup::words(self, said),
            Layout::GuidedDiffusion => guided::words(self, said),
            Layout::Dit => dit::words(self, said),
        };
        let mut differs = String::new();
        for words in candidates.map_err(refused)? {
            match again(layout, &network, &words, config).and_then(|read| same::check(self, &read, device)) {
                Ok(()) => return Ok(words),
                Err(what) => differs = what,
            }
        }
        Err(refused(differs))
    }
}

/// The process of words as they will be read, or what is wrong with them.
fn again(layout: Layout, network: &Settings, words: &Settings, config: &NetworkConfig) -> Result<Process, String> {
    let written = match layout {
        Layout::Diffusers => words.clone(),
        _ => layout.as_sidecar(network.clone().overlaid(words)),
    };
    let object = serde_json::from_str(&written.to_json()).map_err(|error| error.to_string())?;
    Process::of(layout, &Settings::new(object), config).map_err(|error| error.to_string())
}

const LOG_VARIANCE: &str = "a log-variance as the network's second half (`learned`), only a position between beta_tilde and beta \
                            (`learned-range`)";
