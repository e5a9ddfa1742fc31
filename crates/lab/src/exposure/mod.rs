//! A study of exposure bias: models trained with and without input perturbation, sampled plainly and with the cures,
//! with constants searched on other seeds than those that are reported.

mod book;
mod curves;
mod finding;
mod picture;
mod plots;
mod report;
mod results;
mod run;
mod search;
mod settings;
mod trained;
mod tune;

pub use book::Book;
pub use curves::{ChainLength, Curve, CurvePoint};
pub use report::{study_page, write_study};
pub use results::{Entry, Study};
pub use run::run_study;
pub use search::{Search, Tried};
pub use settings::{Cure, ExposureSettings, PublishedEffect, scalings, shifts};
pub use trained::Scored;
pub use tune::{Tuned, Tuning, tune};
