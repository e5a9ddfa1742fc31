//! The schedulers of diffusers: their keys, what they mean, and the steps that follow.

mod class;
mod defaults;
mod keys;
mod rules;
mod steps;

pub(crate) use class::Class;
pub(crate) use rules::{Layout, Rules};

pub(in crate::published) use steps::stepping;

pub(super) use defaults::taken;
pub(super) use keys::check as unread;

use undrift_checkpoints::Settings;

/// A scheduler's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduler {
    /// Its class.
    pub(crate) class: Class,
    /// Its settings.
    pub(crate) settings: Settings,
    /// Keys that the class's code does not read.
    pub(crate) unread: Vec<String>,
}
