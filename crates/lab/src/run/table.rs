//! A recipe's rows as a table of plans.

use super::{Setup, build};
use crate::methods::Methods;
use crate::recipe::Recipe;
use burn::tensor::Device;
use undrift_studies::{Plan, RunError, Table};

/// The table of a whole recipe, of which the rows and seeds of `run` are run.
///
/// # Errors
/// The first key whose method does not exist or does not fit.
pub fn table(
    methods: &Methods,
    whole: &Recipe,
    run: &Recipe,
    device_name: &str,
    device: &Device,
) -> Result<Table, RunError> {
    Ok(Table {
        rows: plans(methods, whole, device)?,
        seeds: whole.seeds.clone(),
        run_rows: run.rows.iter().map(|row| row.id.clone()).collect(),
        run_seeds: run.seeds.clone(),
        build: build(device_name),
    })
}

/// Every row as a plan.
///
/// # Errors
/// The first key whose method does not exist or does not fit.
pub fn plans(methods: &Methods, recipe: &Recipe, device: &Device) -> Result<Vec<Plan>, RunError> {
    recipe.rows.iter().map(|row| Setup::new(methods, row, device).map(Setup::into_plan)).collect()
}
