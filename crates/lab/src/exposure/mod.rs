//! A study of exposure bias: models trained with and without input perturbation, sampled plainly and with the cures,
//! with constants searched on other seeds than those that are reported.

mod finding;
mod grid;
mod picture;
mod plots;
mod report;
mod results;
mod run;
mod search;
mod settings;
mod tune;

pub use report::{study_page, write_study};
pub use results::{Entry, Study};
pub use run::{exposure_of, run_study};
pub use search::{Search, Tried};
pub use settings::{Cure, ExposureSettings, PublishedEffect, scalings, shifts};
pub use tune::{Tuned, Tuning, tune};
pub use undrift_studies::exposure::{Book, ChainLength, CurvePoint, Scored};

/// The bias along the chains of one sampler, whose cures have names.
pub type Curve = undrift_studies::exposure::Curve<crate::methods::Method>;
