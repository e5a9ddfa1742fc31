//! The schedulers of diffusers: their keys, what they mean, and the steps that follow.

mod class;
mod keys;
mod rules;
mod steps;

pub use class::Class;
pub use rules::{Layout, Rules};

pub(in crate::published) use steps::stepping;

pub(super) use keys::check as unread;

use undrift_checkpoints::Settings;

/// A scheduler's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduler {
    /// Its class.
    pub class: Class,
    /// Its settings.
    pub settings: Settings,
    /// Keys that the class's code does not read.
    pub unread: Vec<String>,
}
