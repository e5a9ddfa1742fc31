//! The options of the command line that describe a checkpoint.

use std::path::PathBuf;
use undrift_pipelines::{Flags, Said, Setting};

/// What the user knows about a checkpoint.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CheckpointArgs {
    /// Configuration in the published code's words, a JSON or YAML file; it counts more than the one beside the weights
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Flags as the published README has them, in quotes: "--image_size 64 --num_channels 128"; they count more than files
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    flags: Vec<Flags>,
    /// One setting of it, as `num_head_channels=64`; give it again for more; it counts most
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// Weights of a file that holds several: `ema`, `raw`, or a name that `inspect` shows [default: ema]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
}

impl CheckpointArgs {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.config.is_none() && self.flags.is_empty() && self.set.is_empty() && self.group.is_none()
    }

    /// What is said, with other weights of the file where they are named.
    pub fn said(&self, group: Option<&str>) -> Said {
        Said {
            config: self.config.clone(),
            flags: self.flags.clone(),
            set: self.set.clone(),
            group: group.map(str::to_owned).or_else(|| self.group.clone()),
        }
    }
}
