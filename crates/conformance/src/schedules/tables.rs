//! Golden vectors of schedules, tables.

use undrift_schedules::{Chain, Level, Span};

use super::add;
use crate::case::{Cases, Outcome};
use crate::compare::{Tolerance, compare, compare_each};
use crate::error::FixtureError;
use crate::setting;
use crate::sidecar::Node;
use crate::tolerances;

/// Betas and every table that `GaussianDiffusion.__init__` derives from them.
pub(super) fn run(root: &Node<'_>, cases: &mut Cases) -> Result<(), FixtureError> {
    let args = root.get("args")?;
    let steps = args.count("num_diffusion_timesteps")?;
    let (name, chain) = match args.find("schedule_name") {
        Some(_) => {
            let name = args.text("schedule_name")?;
            (name, setting::named(name, steps)?)
        }
        None => {
            let name = args.text("beta_schedule")?;
            let (start, end) = (args.number("beta_start")?, args.number("beta_end")?);
            (name, setting::between(name, steps, start, end)?)
        }
    };
    let long_cosine = name.contains("cos") && steps > tolerances::LONG_COSINE;
    for (field, table) in root.fields() {
        if table.is_list() {
            add(cases, field, compared(&chain, field, &table, long_cosine));
        }
    }
    Ok(())
}

fn compared(chain: &Chain, name: &str, table: &Node<'_>, long_cosine: bool) -> Result<Outcome, FixtureError> {
    let (ours, published) = (derived(chain, name)?, table.as_numbers()?);
    if name == "sqrt_recipm1_alphas_cumprod" {
        let room = |i: usize| tolerances::sigma_of_difference(published[i]);
        return Ok(compare_each(&ours, &published, room));
    }
    Ok(compare(&ours, &published, tolerance(name, long_cosine)))
}

fn derived(chain: &Chain, table: &str) -> Result<Vec<f64>, FixtureError> {
    let levels = |f: fn(Level) -> f64| Ok(chain.levels().iter().map(|&level| f(level)).collect());
    let spans = |f: fn(Span) -> f64| {
        let span = (1..=chain.len()).filter_map(|t| chain.span(t));
        Ok(span.map(f).collect())
    };
    match table {
        "betas" => Ok(chain.betas().to_vec()),
        "alphas_cumprod" => levels(Level::alpha_bar),
        "alphas_cumprod_prev" => spans(Span::to_alpha_bar),
        "alphas_cumprod_next" => Ok(next(chain)),
        "sqrt_alphas_cumprod" => levels(Level::signal),
        "sqrt_one_minus_alphas_cumprod" => levels(Level::noise),
        "log_one_minus_alphas_cumprod" => levels(|level| level.one_minus_alpha_bar().ln()),
        "sqrt_recip_alphas_cumprod" => levels(|level| 1.0 / level.signal()),
        "sqrt_recipm1_alphas_cumprod" => levels(Level::sigma),
        "posterior_variance" => spans(Span::beta_tilde),
        "posterior_log_variance_clipped" => spans(Span::log_beta_tilde_clipped),
        "posterior_mean_coef1" => spans(|span| span.posterior().x0),
        "posterior_mean_coef2" => spans(|span| span.posterior().x),
        other => Err(FixtureError::NotCovered(format!("a table called `{other}`"))),
    }
}

/// alpha_bar of the next noisier level, 0 after the last.
fn next(chain: &Chain) -> Vec<f64> {
    let levels = chain.levels().iter().skip(1).map(|level| level.alpha_bar());
    levels.chain([0.0]).collect()
}

fn tolerance(table: &str, long_cosine: bool) -> Tolerance {
    if long_cosine && table.starts_with("posterior") { tolerances::POSTERIOR_OF_LONG_COSINE } else { tolerances::TABLE }
}
