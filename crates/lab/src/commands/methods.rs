//! `undrift methods`.

use super::Outcome;
use crate::methods::listing;
use crate::terminal::print;
use miette::Result;

pub(crate) fn run() -> Result<Outcome> {
    print(listing())?;
    Ok(Outcome::Done)
}
