//! Tables of schedules, step lists and sigma grids.

mod diffusers_betas;
mod diffusers_lists;
mod listed;
mod lucidrains;
mod previous;
mod respacing;
mod schedulers;
mod sigmas;
mod skips;
mod tables;
mod zero_snr;

use crate::case::Cases;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::method::absent;
use crate::runner::Schedules;
use crate::stated;

/// Runs what the sidecar says.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    match stated::runner(fixture)? {
        Schedules::Tables => tables::run(&root, cases),
        Schedules::Respacing => respacing::run(&root, cases),
        Schedules::ZeroSnr => {
            zero_snr::run(&root, cases);
            Ok(())
        }
        Schedules::Previous => previous::run(&root, cases),
        Schedules::Lucidrains => {
            lucidrains::run(&root, cases);
            Ok(())
        }
        Schedules::Skips => skips::run(&root, cases),
        Schedules::DiffusersBetas => {
            diffusers_betas::run(&root, cases);
            Ok(())
        }
        Schedules::DiffusersLists => {
            diffusers_lists::run(&root, cases);
            Ok(())
        }
        Schedules::Sigmas => {
            sigmas::run(&root, cases);
            Ok(())
        }
        Schedules::Absent => Err(absent(fixture)),
    }
}
