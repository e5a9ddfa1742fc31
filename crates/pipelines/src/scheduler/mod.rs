//! The schedulers of diffusers: their keys, what they mean, and the steps that follow.

mod class;
mod defaults;
mod keys;
mod rules;
mod steps;

pub(crate) use class::Class;
pub(crate) use rules::{Layout, Rules};

pub(crate) use steps::stepping;

pub(crate) use defaults::taken;
pub(crate) use keys::check as unread;

use undrift_checkpoints::Settings;

/// A scheduler's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduler {
    pub(crate) class: Class,
    pub(crate) settings: Settings,
    pub(crate) unread: Vec<String>,
}

impl Scheduler {
    /// The name of its class in diffusers.
    pub fn class(&self) -> &'static str {
        self.class.name()
    }

    /// Keys that are given and that the class's code does not read.
    pub fn unread(&self) -> &[String] {
        &self.unread
    }
}
