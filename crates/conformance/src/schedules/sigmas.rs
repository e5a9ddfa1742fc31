//! Golden vectors of schedules, sigmas.

use undrift_schedules::{Grid, GridError, peers};

use super::{add, schedulers};
use crate::case::{Cases, Outcome};
use crate::compare::{Tolerance, compare, compare_each};
use crate::error::FixtureError;
use crate::sidecar::Node;
use crate::tolerances;

/// Sigma grids of EDM, k-diffusion and diffusers' schedulers, and k-diffusion's ancestral steps.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) {
    for (list, grids) in root.fields() {
        for (index, case) in grids.members().iter().enumerate() {
            let label = format!("{list}[{index}]");
            match one(case, &label, cases) {
                Ok(()) => {}
                Err(error) => cases.error(&label, error),
            }
        }
    }
}

fn one(case: &Node<'_>, label: &str, cases: &mut Cases) -> Result<(), FixtureError> {
    let peer = case.text_or_empty("peer");
    if case.has("sigma_up") {
        ancestral(case, label, cases)
    } else if case.has("discretization") {
        let compared = ablation(case);
        add(cases, &format!("{label} {}", case.text("discretization")?), compared);
        Ok(())
    } else if peer.contains("edm_sampler") {
        add(cases, &format!("{label} karras"), edm(case));
        Ok(())
    } else if let Some((_, function)) = peer.split_once("get_sigmas_") {
        add(cases, &format!("{label} {function}"), k_diffusion(case, function));
        Ok(())
    } else if peer.contains("diffusers") {
        schedulers::run(case, label, cases)
    } else {
        Err(FixtureError::NotCovered(format!("a grid made by `{peer}`")))
    }
}

fn edm(case: &Node<'_>) -> Result<Outcome, FixtureError> {
    let (min, max) = (case.number("sigma_min")?, case.number("sigma_max")?);
    let grid = Grid::karras(case.count("num_steps")?, min, max, case.number("rho")?);
    Ok(compare(&with_data(&made(grid)?), &case.numbers("sigmas")?, tolerances::TABLE))
}

/// The constants of these grids are in the text of `defaults`.
fn ablation(case: &Node<'_>) -> Result<Outcome, FixtureError> {
    let (steps, text) = (case.count("num_steps")?, case.text_or_empty("defaults"));
    let constant = |name: &str, usual: f64| after(text, name).unwrap_or(usual);
    let range = |name: &str, usual: (f64, f64)| range_after(text, name).unwrap_or(usual);
    let name = case.text("discretization")?;
    let published = case.numbers("sigma_steps")?;
    let mut tolerance = tolerances::TABLE;
    let ours = match name {
        "vp" => {
            let ours = sigmas(&made(Grid::vp_continuous(steps, 19.9, 0.1, constant("epsilon_s=", 1e-3)))?);
            return Ok(compare_each(&ours, &published, |i| tolerances::sigma_of_difference(published[i])));
        }
        "ve" => {
            let (min, max) = range("ve ", (0.02, 100.0));
            sigmas(&made(Grid::exponential(steps, min, max))?)
        }
        "edm" => {
            let (min, max) = range("edm ", (0.002, 80.0));
            sigmas(&made(Grid::karras(steps, min, max, constant("rho=", 7.0)))?)
        }
        "iddpm" => {
            tolerance = tolerances::SINGLE_SIGMA;
            let (c1, c2) = (constant("C_1=", 0.001), constant("C_2=", 0.008));
            let count = constant("M=", 1000.0) as usize;
            let sigmas = peers::edm_iddpm_sigmas(steps, range("iddpm ", (0.002, 81.0)), count, c1, c2);
            sigmas.map_err(FixtureError::refused)?
        }
        other => return Err(FixtureError::NotCovered(format!("a discretisation called `{other}`"))),
    };
    Ok(compare(&ours, &published, tolerance))
}

fn k_diffusion(case: &Node<'_>, function: &str) -> Result<Outcome, FixtureError> {
    let args = case.get("args")?;
    let steps = args.count("n")?;
    let published = case.numbers("sigmas")?;
    if function == "vp" {
        let (d, min) = (args.number_or("beta_d", 19.9)?, args.number_or("beta_min", 0.1)?);
        let ours = with_data(&made(Grid::vp_continuous(steps, d, min, args.number_or("eps_s", 1e-3)?))?);
        return Ok(compare_each(&ours, &published, |i| tolerances::single_sigma_of_ratio(published[i])));
    }
    let (min, max) = (args.number("sigma_min")?, args.number("sigma_max")?);
    let grid = match function {
        "karras" => Grid::karras(steps, min, max, args.number_or("rho", 7.0)?),
        "exponential" => Grid::exponential(steps, min, max),
        "polyexponential" => Grid::polyexponential(steps, min, max, args.number_or("rho", 1.0)?),
        other => return Err(FixtureError::NotCovered(format!("sigmas by get_sigmas_{other}"))),
    };
    Ok(compare(&with_data(&made(grid)?), &published, tolerances::SINGLE_SIGMA))
}

/// `get_ancestral_step`: how far down, and how much noise.
fn ancestral(case: &Node<'_>, label: &str, cases: &mut Cases) -> Result<(), FixtureError> {
    let (from, to) = (case.number("sigma_from")?, case.number("sigma_to")?);
    let grid = made(Grid::of_sigmas([from, to]))?;
    let ours = grid.spans()[0].ancestry(case.number("eta")?);
    for (field, ours) in [("sigma_down", ours.down), ("sigma_up", ours.up)] {
        // A difference of squares loses digits where almost nothing is left, hence the absolute part.
        let tolerance = Tolerance::new(1e-12 * to, 1e-12, 0.0);
        let compared = compare(&[ours], &case.numbers(field)?, tolerance);
        add(cases, &format!("{label} {field}"), Ok(compared));
    }
    Ok(())
}

fn made(grid: Result<Grid, GridError>) -> Result<Grid, FixtureError> {
    grid.map_err(FixtureError::refused)
}

pub(super) fn sigmas(grid: &Grid) -> Vec<f64> {
    grid.levels().map(|level| level.sigma()).collect()
}

/// The published lists end in 0 for the data.
fn with_data(grid: &Grid) -> Vec<f64> {
    let mut all = sigmas(grid);
    all.push(0.0);
    all
}

/// The number that follows `name`.
fn after(text: &str, name: &str) -> Option<f64> {
    let (_, rest) = text.split_once(name)?;
    rest.split([',', ';', ' ']).next()?.parse().ok()
}

/// `ve .02..100` as a range.
fn range_after(text: &str, name: &str) -> Option<(f64, f64)> {
    let words = text.split([';', ':']).filter_map(|part| part.trim().strip_prefix(name));
    let mut ranges = words.filter_map(|rest| {
        let (min, max) = rest.split([' ', ',']).next()?.split_once("..")?;
        Some((min.parse().ok()?, max.parse().ok()?))
    });
    ranges.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_from_the_text() {
        let text =
            "epsilon_s=1e-3,C_1=.001,M=1000,rho=7; sigma range: vp = f(1); ve .02..100; iddpm .002..81; edm .002..80";
        assert_eq!(
            (after(text, "C_1="), after(text, "M="), after(text, "rho=")),
            (Some(0.001), Some(1000.0), Some(7.0))
        );
        assert_eq!(range_after(text, "ve "), Some((0.02, 100.0)));
        assert_eq!(range_after(text, "iddpm "), Some((0.002, 81.0)));
        assert_eq!(range_after(text, "edm "), Some((0.002, 80.0)));
        assert_eq!(range_after(text, "vp "), None);
    }
}
