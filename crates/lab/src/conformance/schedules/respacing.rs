//! Golden vectors of schedules, respacing.

use undrift_schedules::{Grid, Span};

use super::{add, against};
use crate::conformance::case::{Cases, Outcome};
use crate::conformance::compare::{Comparison, Tolerance};
use crate::conformance::error::FixtureError;
use crate::conformance::sidecar::Node;
use crate::conformance::{setting, tolerances};

/// `space_timesteps` and the betas of `SpacedDiffusion`, or that there can be none.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) -> Result<(), FixtureError> {
    for case in root.get("cases")?.members() {
        let steps = case.count("T")?;
        let sections = case.text("section_counts")?;
        let name = case.text_or_empty("schedule");
        let chain = setting::named(if name.is_empty() { "linear" } else { name }, steps)?;
        let label = format!("{name} T={steps} [{sections}]");
        let grid = setting::respaced(&chain, sections);
        if case.has("must_error") && case.flag("must_error")? {
            add(cases, &format!("{label} is refused"), refused(grid));
            continue;
        }
        match grid {
            Ok(grid) => tables(&grid, &case, &label, cases),
            Err(error) => cases.error(&label, error),
        }
    }
    Ok(())
}

fn tables(grid: &Grid, case: &Node<'_>, label: &str, cases: &mut Cases) {
    for (field, table) in case.fields() {
        if table.is_list() {
            let compared = of_grid(grid, field).and_then(|(ours, tolerance)| against(Ok(ours), case, field, tolerance));
            add(cases, &format!("{label} {field}"), compared);
        }
    }
}

/// Least noisy first, as published.
fn of_grid(grid: &Grid, table: &str) -> Result<(Vec<f64>, Tolerance), FixtureError> {
    let spans = |f: fn(&Span) -> f64| grid.spans().iter().rev().map(f).collect();
    match table {
        "used_timesteps" => Ok((spans(|span| span.from().time()), Tolerance::EXACT)),
        "new_betas" | "new_betas_own_formula" => Ok((spans(|span| span.beta()), tolerances::TABLE)),
        "posterior_log_variance_clipped" => Ok((spans(|span| span.log_beta_tilde_clipped()), tolerances::TABLE)),
        other => Err(FixtureError::NotCovered(format!("a table called `{other}`"))),
    }
}

/// A respacing that the published code refuses must be refused here too.
fn refused(grid: Result<Grid, FixtureError>) -> Result<Outcome, FixtureError> {
    match grid {
        Err(FixtureError::Refused(_)) => Ok(Outcome::Compared(Comparison::AGREES)),
        Err(other) => Err(other),
        Ok(grid) => Ok(Outcome::Failed {
            reason: format!("the published code refuses this, ours gives {} steps", grid.steps()),
        }),
    }
}
