//! Golden vectors of schedules, zero snr.

use undrift_schedules::Chain;

use super::add;
use crate::case::{Cases, Outcome};
use crate::compare::{compare, compare_each};
use crate::error::FixtureError;
use crate::sidecar::Node;
use crate::tolerances;

/// `rescale_zero_terminal_snr` of listed betas.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) {
    for (name, tables) in root.fields() {
        if !tables.has("betas_in") {
            continue;
        }
        match Pair::read(&tables) {
            Ok(pair) => pair.compare_tables(name, &tables, cases),
            Err(error) => cases.error(name, error),
        }
    }
}

struct Pair {
    before: Chain,
    after: Chain,
}

impl Pair {
    fn read(tables: &Node<'_>) -> Result<Self, FixtureError> {
        let before = Chain::from_betas(tables.numbers("betas_in")?).map_err(FixtureError::refused)?;
        let after = before.zero_terminal_snr().map_err(FixtureError::refused)?;
        Ok(Pair { before, after })
    }

    fn compare_tables(&self, name: &str, tables: &Node<'_>, cases: &mut Cases) {
        for (field, table) in tables.fields() {
            if table.is_list() && field != "betas_in" {
                add(cases, &format!("{name} {field}"), self.compared(field, &table));
            }
        }
    }

    fn compared(&self, field: &str, table: &Node<'_>) -> Result<Outcome, FixtureError> {
        let (ours, published) = (self.after.betas(), table.as_numbers()?);
        match field {
            "betas_out_f64" => Ok(compare(ours, &published, tolerances::TABLE)),
            "betas_out_f32" => {
                let room = |i: usize| tolerances::single_beta_of_ratio(published[i], self.shrunk(i));
                Ok(compare_each(ours, &published, room))
            }
            "alphas_cumprod_out_f64" => {
                let ours: Vec<f64> = self.after.levels().iter().map(|level| level.alpha_bar()).collect();
                Ok(compare(&ours, &published, tolerances::TABLE))
            }
            other => Err(FixtureError::NotCovered(format!("a table called `{other}`"))),
        }
    }

    /// What is left of the signal at an index once the last level's is subtracted, as a share of it.
    fn shrunk(&self, index: usize) -> f64 {
        match (self.before.levels().get(index), self.after.levels().get(index)) {
            (Some(before), Some(after)) => after.signal() / before.signal(),
            _ => 0.0,
        }
    }
}
