//! Golden vectors of losses, weights.

use undrift_denoisers::{Eps, Parameterisation, V, X0};
use undrift_losses::Weighting;
use undrift_schedules::{Chain, Level};

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{compare, compare_each};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::{setting, tolerances};

/// The table that names the chain of a file of weights: `snr_linear_T1000_f64_own`.
const SNR: &str = "snr_";

/// Whether a file holds signal-to-noise ratios and weights made of them.
pub(super) fn is_here(fixture: &Fixture) -> bool {
    chain_name(fixture).is_some()
}

/// Signal-to-noise ratios of a chain, and min-SNR and P2 weights at each of its levels.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (name, steps) = chain_name(fixture).ok_or_else(|| FixtureError::NoField { field: SNR.to_owned() })?;
    let chain = setting::named(name, steps)?;
    for (table, node) in fixture.root().fields() {
        if node.is_list() {
            cases.add(table, Arithmetic::F64, ratios(&chain, &node));
        }
        for (form, list) in node.fields().into_iter().filter(|(_, list)| list.is_list()) {
            let item = format!("{table} {form}");
            match table.starts_with(SNR) {
                true => cases.add(&item, Arithmetic::F32, single_ratios(&chain, &list)),
                false => cases.add(&item, Arithmetic::F64, weights(&chain, table, form, &list)),
            }
        }
    }
    Ok(())
}

/// `linear` and 1000 of a table called `snr_linear_T1000..`.
fn chain_name(fixture: &Fixture) -> Option<(&str, usize)> {
    let tables = fixture.root().fields();
    let mut named = tables.into_iter().filter_map(|(name, node)| node.is_list().then_some(name)?.strip_prefix(SNR));
    named.find_map(|rest| {
        let (name, rest) = rest.split_once("_T")?;
        Some((name, rest.split('_').next()?.parse().ok()?))
    })
}

fn of_levels(chain: &Chain, f: impl Fn(Level) -> f64) -> Vec<f64> {
    chain.levels().iter().map(|&level| f(level)).collect()
}

fn ratios(chain: &Chain, list: &Node<'_>) -> Result<Outcome, FixtureError> {
    Ok(compare(&of_levels(chain, Level::snr), &list.as_numbers()?, tolerances::loss(Arithmetic::F64)))
}

/// Ratios of a library that keeps alpha_bar in single precision.
fn single_ratios(chain: &Chain, list: &Node<'_>) -> Result<Outcome, FixtureError> {
    let published = list.as_numbers()?;
    Ok(compare_each(&of_levels(chain, Level::snr), &published, |index| tolerances::single_snr(published[index])))
}

fn weights(chain: &Chain, table: &str, form: &str, list: &Node<'_>) -> Result<Outcome, FixtureError> {
    let (weighting, of) = (weighting(table)?, parameterisation(form)?);
    let ours = chain.levels().iter().map(|&level| weighting.weight(of, level)).collect::<Result<Vec<_>, _>>();
    let ours = ours.map_err(FixtureError::refused)?;
    Ok(compare(&ours, &list.as_numbers()?, tolerances::loss(Arithmetic::F64)))
}

/// `min_snr_gamma5` or `p2_k1_gamma0.5`.
fn weighting(table: &str) -> Result<Weighting, FixtureError> {
    let number = |name: &str| {
        let mut words = table.split('_');
        words.find_map(|word| word.strip_prefix(name)?.parse().ok())
    };
    match (table, number("k"), number("gamma")) {
        (name, _, Some(gamma)) if name.starts_with("min_snr") => Ok(Weighting::MinSnr { gamma }),
        (name, Some(k), Some(gamma)) if name.starts_with("p2") => Ok(Weighting::P2 { k, gamma }),
        (other, ..) => Err(FixtureError::NotCovered(format!("weights called `{other}`"))),
    }
}

/// Of what the weighted error is; `weight` alone is a factor on `L_simple`.
fn parameterisation(form: &str) -> Result<&'static dyn Parameterisation, FixtureError> {
    match form {
        "eps" | "weight" => Ok(&Eps),
        "x0" => Ok(&X0),
        "v" => Ok(&V),
        other => Err(FixtureError::NotCovered(format!("weights of the error of `{other}`"))),
    }
}
