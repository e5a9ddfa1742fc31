//! `undrift methods`.

use super::Outcome;
use crate::methods::{Methods, listing_text};
use crate::terminal::print;
use miette::Result;

pub(crate) fn run(methods: &Methods) -> Result<Outcome> {
    print(listing_text(methods))?;
    Ok(Outcome::Done)
}
