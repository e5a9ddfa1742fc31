//! Networks that were trained elsewhere, or here and by their file alone: what they are, and samples of them.

mod assumed;
mod classifier;
mod flags;
mod npz;
mod opened;
mod output;
mod plan;
mod process;
mod sampling;
mod source;

pub use assumed::bears_on_samples;
pub use classifier::log_probability_gradient;
pub use flags::Flags;
pub use npz::{NpyArray, NpyValues, npz_size, write_npz};
pub use opened::{Opened, PublishedError, Weights};
pub use output::{Drawing, OpenOutput, Output, is_picture};
pub use plan::{Plan, SamplerChoice};
pub use process::{Assumed, Process, Visits, X0Limit};
pub use sampling::{ByClassifier, Guidance, PublishedSampling};
pub use source::{CheckpointArgs, Setting, Yml};
