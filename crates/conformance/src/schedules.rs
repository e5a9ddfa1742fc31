//! Tables of schedules, step lists and sigma grids.

mod diffusers_betas;
mod diffusers_lists;
mod lucidrains;
mod previous;
mod respacing;
mod schedulers;
mod sigmas;
mod skips;
mod tables;
mod zero_snr;

use super::case::{Arithmetic, Cases, Outcome};
use super::compare::{Tolerance, compare};
use super::error::FixtureError;
use super::fixture::Fixture;
use super::method::method_of;
use super::sidecar::Node;

/// Chooses the runner by what the sidecar says about itself.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    let peer = fixture.peer();
    if root.has("betas") && root.has("args") {
        tables::run(&root, cases)
    } else if peer.contains("space_timesteps") {
        respacing::run(&root, cases)
    } else if peer.contains("rescale_zero_terminal_snr") {
        zero_snr::run(&root, cases);
        Ok(())
    } else if peer.contains("previous_timestep") {
        previous::run(&root, cases)
    } else if peer.contains("lucidrains") {
        lucidrains::run(&root, cases);
        Ok(())
    } else if root.fields().iter().any(|(_, field)| field.has("ermongroup_uniform")) {
        skips::run(&root, cases)
    } else if peer.contains("DDPMScheduler") && peer.contains(".betas") {
        diffusers_betas::run(&root, cases);
        Ok(())
    } else if has_case(&root, "spacing") {
        diffusers_lists::run(&root, cases);
        Ok(())
    } else if root.fields().iter().any(|(_, list)| is_list_of_sigmas(list)) {
        sigmas::run(&root, cases);
        Ok(())
    } else {
        Err(method_of(fixture))
    }
}

fn has_case(root: &Node<'_>, field: &str) -> bool {
    root.find("cases").is_some_and(|cases| cases.members().iter().any(|case| case.has(field)))
}

fn is_list_of_sigmas(list: &Node<'_>) -> bool {
    let names = ["sigmas", "sigma_steps", "sigma_up"];
    list.members().iter().any(|case| names.iter().any(|name| case.has(name)))
}

/// Compares a list of our own with a field of the sidecar; schedules are computed in f64 only.
fn against(
    ours: Result<Vec<f64>, FixtureError>,
    published: &Node<'_>,
    field: &str,
    tolerance: Tolerance,
) -> Result<Outcome, FixtureError> {
    Ok(compare(&ours?, &published.numbers(field)?, tolerance))
}

/// Adds a comparison in double precision.
fn add(cases: &mut Cases, item: &str, compared: Result<Outcome, FixtureError>) {
    cases.add(item, Arithmetic::F64, compared);
}

fn whole(list: impl IntoIterator<Item = usize>) -> Vec<f64> {
    list.into_iter().map(|index| index as f64).collect()
}

fn signed(list: impl IntoIterator<Item = i64>) -> Vec<f64> {
    list.into_iter().map(|index| index as f64).collect()
}
