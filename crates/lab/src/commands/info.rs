//! `undrift info`.

use super::Outcome;
use crate::recipe::BUILT_IN;
use crate::registry::DEVICES;
use crate::run::Build;
use miette::Result;

pub(crate) fn run() -> Result<Outcome> {
    let build = Build::here(DEVICES[0]);
    println!("undrift {}, Burn {}, commit {}", build.version, build.burn, build.commit);
    println!("devices: {}", DEVICES.join(", "));
    println!("recipes: {}", BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
    Ok(Outcome::Done)
}
