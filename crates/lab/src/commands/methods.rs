//! `undrift methods`.

use super::Outcome;
use crate::methods::{Methods, listing_text};
use crate::recipe::reference;
use crate::terminal::print;
use miette::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print every key of a recipe as well, as Markdown: the page docs/recipes.md
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(methods: &Methods, args: Args) -> Result<Outcome> {
    print(if args.markdown { reference(methods) } else { listing_text(methods) })?;
    Ok(Outcome::Done)
}
