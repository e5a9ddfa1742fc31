//! `undrift show-recipe`.

use super::Outcome;
use crate::methods::Methods;
use crate::recipe::{BUILT_IN, built_in, load};
use crate::terminal::{print, say};
use miette::{IntoDiagnostic, Result};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Built-in recipe or path of a TOML file; without it, the built-in recipes are listed
    recipe: Option<String>,
    /// Preset to resolve
    #[arg(long)]
    preset: Option<String>,
    /// Print the built-in recipe as it was written, to copy and edit
    #[arg(long, conflicts_with = "preset")]
    source: bool,
}

pub(crate) fn run(methods: &Methods, args: Args) -> Result<Outcome> {
    let Some(name) = args.recipe else {
        for (name, _) in BUILT_IN {
            say(name)?;
        }
        return Ok(Outcome::Done);
    };
    match built_in(&name).filter(|_| args.source) {
        Some(text) => print(text)?,
        None => print(load(&name, args.preset.as_deref(), methods).into_diagnostic()?.to_toml())?,
    }
    Ok(Outcome::Done)
}
