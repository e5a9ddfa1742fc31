//! Networks that were trained elsewhere, or here and by their file alone: what they are, and samples of them.

mod classifier;
mod npz;
mod opened;
mod output;
mod process;
mod sampling;
mod source;

pub use classifier::log_probability_gradient;
pub use npz::{NpyArray, NpyValues, npz_size, write_npz};
pub use opened::{Opened, PublishedError, Weights};
pub use output::{Drawing, OpenOutput, Output, is_picture};
pub use process::Process;
pub use sampling::{ByClassifier, Guidance, PublishedSampling};
pub use source::{CheckpointArgs, SCHEDULER, Setting};
