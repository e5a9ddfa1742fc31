//! Losses and terms of the variational bound.

mod bits;
mod decoder;
mod edm;
mod ermongroup;
mod model;
mod second_moment;
mod training;
mod weights;

use crate::case::Cases;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::method::absent;
use crate::runner::Losses;
use crate::stated;

/// Runs what the sidecar says.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    match stated::runner(fixture)? {
        Losses::Bits => bits::run(fixture, cases),
        Losses::Decoder => decoder::run(fixture, cases),
        Losses::Ermongroup => ermongroup::run(fixture, cases),
        Losses::Training => training::run(fixture, cases),
        Losses::SecondMoment => second_moment::run(fixture, cases),
        Losses::Edm => edm::run(fixture, cases),
        Losses::Weights => weights::run(fixture, cases),
        Losses::Absent => Err(absent(fixture)),
    }
}
