//! Golden vectors of schedules, respacing.

use undrift_schedules::{Chain, Grid, Span};

use super::{add, against};
use crate::case::{Cases, Outcome};
use crate::compare::{Comparison, Tolerance};
use crate::error::FixtureError;
use crate::sidecar::Node;
use crate::{setting, tolerances};

/// `space_timesteps` and the betas of `SpacedDiffusion`, or that there can be none.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) -> Result<(), FixtureError> {
    for case in root.get("cases")?.members() {
        let (steps, sections) = (case.count("T")?, case.text("section_counts")?);
        let name = Some(case.text_or_empty("schedule")).filter(|name| !name.is_empty()).unwrap_or("linear");
        let label = format!("{name} T={steps} [{sections}]");
        let picked = picked(steps, sections);
        if case.has("must_error") && case.flag("must_error")? {
            add(cases, &format!("{label} is refused"), refused(picked));
            continue;
        }
        add(cases, &format!("{label} {PICKS}"), picked.and_then(|grid| of_grid(&grid, &case, PICKS)));
        match setting::named(name, steps).and_then(|chain| setting::respaced(&chain, sections)) {
            Ok(grid) => tables(&grid, &case, &label, cases),
            Err(error) => cases.error(&format!("{label} tables of betas"), error),
        }
    }
    Ok(())
}

/// The table that is a function of the length and the sections alone.
const PICKS: &str = "used_timesteps";

/// The levels that are kept of any chain of this length, whatever its betas.
fn picked(steps: usize, sections: &str) -> Result<Grid, FixtureError> {
    let any = Chain::constant(steps, 1.0 / (steps.max(1) + 1) as f64).map_err(FixtureError::refused)?;
    setting::respaced(&any, sections)
}

fn tables(grid: &Grid, case: &Node<'_>, label: &str, cases: &mut Cases) {
    for (field, _) in case.fields().into_iter().filter(|(field, table)| table.is_list() && *field != PICKS) {
        add(cases, &format!("{label} {field}"), of_grid(grid, case, field));
    }
}

/// Least noisy first, as published.
fn of_grid(grid: &Grid, case: &Node<'_>, table: &str) -> Result<Outcome, FixtureError> {
    let spans = |f: fn(&Span) -> f64| grid.spans().iter().rev().map(f).collect();
    let (ours, tolerance): (Vec<f64>, Tolerance) = match table {
        PICKS => (spans(|span| span.from().time()), Tolerance::EXACT),
        "new_betas" | "new_betas_own_formula" => (spans(|span| span.beta()), tolerances::TABLE),
        "posterior_log_variance_clipped" => (spans(|span| span.log_beta_tilde_clipped()), tolerances::TABLE),
        other => return Err(FixtureError::NotCovered(format!("a table called `{other}`"))),
    };
    against(Ok(ours), case, table, tolerance)
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
