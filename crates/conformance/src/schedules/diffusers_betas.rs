//! Golden vectors of schedules, diffusers betas.

use undrift_schedules::{Chain, peers};

use super::add;
use crate::case::{Cases, Outcome};
use crate::compare::{compare, compare_each};
use crate::error::FixtureError;
use crate::setting;
use crate::sidecar::Node;
use crate::tolerances;

/// Beta schedules of diffusers, which computes them in single precision.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) {
    for (name, tables) in root.fields() {
        if !tables.is_object() {
            continue;
        }
        match chain(name, &tables) {
            Ok(chain) => compare_tables(name, &chain, &tables, cases),
            Err(error) => cases.error(name, error),
        }
    }
}

fn compare_tables(name: &str, chain: &Chain, tables: &Node<'_>, cases: &mut Cases) {
    for (field, table) in tables.fields() {
        if table.is_list() {
            add(cases, &format!("{name} {field}"), compared(chain, &table, field));
        }
    }
}

fn compared(chain: &Chain, table: &Node<'_>, field: &str) -> Result<Outcome, FixtureError> {
    let published = table.as_numbers()?;
    match field {
        "betas" => Ok(compare(chain.betas(), &published, tolerances::SINGLE_BETA)),
        "betas_f64_own_formula" => Ok(compare(chain.betas(), &published, tolerances::TABLE)),
        "alphas_cumprod" => {
            let ours: Vec<f64> = chain.levels().iter().map(|level| level.alpha_bar()).collect();
            let room = |i: usize| tolerances::single_alpha_bar(published[i], chain.betas()[i]);
            Ok(compare_each(&ours, &published, room))
        }
        other => Err(FixtureError::NotCovered(format!("a table called `{other}`"))),
    }
}

fn chain(name: &str, tables: &Node<'_>) -> Result<Chain, FixtureError> {
    let args = tables.get("args")?;
    let steps = args.count("num_train_timesteps")?;
    if name == "laplace" {
        return Chain::from_betas(peers::diffusers_laplace_betas(steps)).map_err(FixtureError::refused);
    }
    setting::between(name, steps, args.number("beta_start")?, args.number("beta_end")?)
}
