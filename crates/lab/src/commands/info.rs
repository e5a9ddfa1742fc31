//! `undrift info`.

use super::Outcome;
use crate::devices::DEVICES;
use crate::recipe::BUILT_IN;
use crate::run::build;
use crate::terminal::say;
use miette::{IntoDiagnostic, Result};
use undrift_kernels::{Level, VARIABLE};

pub(crate) fn run() -> Result<Outcome> {
    let build = build(DEVICES[0]);
    say(format_args!("undrift {}, Burn {}, commit {}", build.version, build.burn, build.commit))?;
    say(format_args!("devices: {}", DEVICES.join(", ")))?;
    let here = Level::ALL.into_iter().filter(|level| level.is_supported()).map(|level| level.to_string());
    let here = here.collect::<Vec<_>>().join(", ");
    let chosen = Level::chosen().into_diagnostic()?;
    say(format_args!(
        "vector instructions of the flex device: {chosen} (this processor has {here}; {VARIABLE} chooses)"
    ))?;
    say(format_args!("recipes: {}", BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))?;
    Ok(Outcome::Done)
}
