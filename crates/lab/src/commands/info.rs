//! `undrift info`.

use super::Outcome;
use crate::recipe::BUILT_IN;
use crate::registry::DEVICES;
use crate::run::Build;
use miette::{IntoDiagnostic, Result};
use undrift_kernels::{Level, VARIABLE};

pub(crate) fn run() -> Result<Outcome> {
    let build = Build::here(DEVICES[0]);
    println!("undrift {}, Burn {}, commit {}", build.version, build.burn, build.commit);
    println!("devices: {}", DEVICES.join(", "));
    let here = Level::ALL.into_iter().filter(|level| level.is_supported()).map(|level| level.to_string());
    let here = here.collect::<Vec<_>>().join(", ");
    println!(
        "vector instructions of the flex device: {} (this processor has {here}; {VARIABLE} chooses)",
        Level::chosen().into_diagnostic()?
    );
    println!("recipes: {}", BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
    Ok(Outcome::Done)
}
