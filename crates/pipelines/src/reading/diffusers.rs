//! The scheduler of diffusers.

use crate::scheduler::{Class, Rules, Scheduler, taken, unread};
use crate::{Betas, Process, StepVariance, Visits};
use serde_json::Value;
use undrift_checkpoints::{Assumed, CheckpointError, Settings};

/// The process of a scheduler's settings; `DDPMScheduler`'s where no class is named.
///
/// `twice`: whether the network gives twice the channels of its input.
pub(super) fn process(settings: &Settings, twice: bool) -> Result<Process, CheckpointError> {
    const CLASS: &str = "_class_name";
    let named: Option<String> = settings.get(CLASS)?;
    let class = match &named {
        None => Class::Ddpm,
        Some(name) => Class::of_name(name).ok_or_else(|| CheckpointError::unknown(CLASS, name, &Class::known()))?,
    };
    let rules = Rules::read(class, settings)?;
    let mut assumed = Vec::new();
    if named.is_none() {
        let why = "no scheduler's file names a class";
        assumed.push(Assumed { key: CLASS, value: class.name().to_owned(), why });
    }
    let variance = variance(&rules, settings, twice, &mut assumed)?;
    let said: Vec<&str> = assumed.iter().map(|one| one.key).collect();
    let usual = taken(class, settings).into_iter().filter(|(key, _)| !said.contains(key));
    let why = "the default of its class";
    let usual: Vec<Assumed> = usual.map(|(key, value)| Assumed { key, value: plain(&value), why }).collect();
    assumed.extend(usual);
    let scheduler = Scheduler { class, settings: settings.clone(), unread: unread(class, settings)? };
    Ok(Process {
        chain: chain(&rules),
        prediction: rules.prediction,
        variance,
        limit: rules.limit,
        time_factor: 1.0,
        solver: rules.solver(),
        visits: Visits::Diffusers(Box::new(scheduler)),
        spacing: rules.layout.into(),
        assumed,
    })
}

/// What the second half of the output is, where there is one; DDPM's class must not say otherwise.
fn variance(
    rules: &Rules,
    settings: &Settings,
    twice: bool,
    assumed: &mut Vec<Assumed>,
) -> Result<StepVariance, CheckpointError> {
    const KEY: &str = "variance_type";
    let given = settings.value(KEY).filter(|_| rules.class == Class::Ddpm);
    let contradicts = |value: &Value, expected: &str| {
        Err(CheckpointError::Setting { key: KEY.to_owned(), value: value.to_string(), expected: expected.to_owned() })
    };
    match (given, twice, rules.variance == StepVariance::LearnedRange) {
        (Some(value), false, true) => contradicts(value, "but the network gives no more channels than it takes"),
        (Some(value), true, false) => {
            contradicts(value, "but the network gives twice its channels; is it learned_range?")
        }
        (None, true, _) => {
            let why = "the network gives twice the channels of its input";
            assumed.push(Assumed { key: KEY, value: "learned_range".to_owned(), why });
            Ok(StepVariance::LearnedRange)
        }
        _ => Ok(rules.variance),
    }
}

fn chain(rules: &Rules) -> Betas {
    if rules.zero_snr {
        return Betas::ZeroTerminalSnr { of: Box::new(rules.chain.clone()) };
    }
    rules.chain.clone()
}

/// A word without quotes, anything else as in JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
