//! The chain, grid and model that a sidecar describes.

use undrift_denoisers::{OutputVariance, Variance};
use undrift_samplers::Churn;
use undrift_schedules::{Chain, ChainError, Grid, Labels, Span, peers};

use super::error::FixtureError;
use super::sidecar::Node;

/// Power of the Karras grids of diffusers.
const RHO: f64 = 7.0;

/// The chain that a sidecar names: `{name, T}`, or one text such as `linear 1e-4..0.02 T=1000`.
///
/// `linear` without ends is the one whose ends scale with 1000 / T.
pub(super) fn chain(schedule: &Node<'_>) -> Result<Chain, FixtureError> {
    let text = schedule.as_text().map_or_else(|| schedule.text("name"), Ok)?;
    let steps = match schedule.find("T") {
        Some(steps) => steps.as_count()?,
        None => steps_in(text)?,
    };
    let name = words(text).next().unwrap_or_default();
    match ends_in(text).or_else(|| ends_of(schedule)) {
        None => named(name, steps),
        Some((start, end)) => between(name, steps, start, end),
    }
}

/// `get_named_beta_schedule` of improved-diffusion.
pub(super) fn named(name: &str, steps: usize) -> Result<Chain, FixtureError> {
    let chain = match name {
        "linear" => Chain::linear_scaled(steps),
        "cosine" => Chain::cosine(steps),
        other => return Err(unknown(other)),
    };
    chain.map_err(no_chain)
}

/// `get_beta_schedule` of DDPM and of DDIM, whose schedules have two ends.
pub(super) fn between(name: &str, steps: usize, start: f64, end: f64) -> Result<Chain, FixtureError> {
    let chain: Result<Chain, ChainError> = match name {
        "linear" => Chain::linear_between(steps, start, end),
        "quad" => Chain::quadratic(steps, start, end),
        "scaled_linear" => Chain::scaled_linear(steps, start, end),
        "const" => Chain::constant(steps, end),
        "jsd" => Chain::jsd(steps),
        "sigmoid" => Chain::sigmoid(steps, start, end),
        "warmup10" => Chain::warm_up(steps, start, end, 0.1),
        "warmup50" => Chain::warm_up(steps, start, end, 0.5),
        "cosine" | "squaredcos_cap_v2" => Chain::cosine(steps),
        other => return Err(unknown(other)),
    };
    chain.map_err(no_chain)
}

/// Why betas make no chain; a beta above 1, of which some published code makes tables, is known to make none.
pub(super) fn no_chain(error: ChainError) -> FixtureError {
    match error {
        ChainError::BetaOutOfRange { t, beta, .. } if beta > 1.0 => FixtureError::Absent(format!(
            "the beta of t = {t} is {beta}, and one above 1 would make alpha_bar negative: there is no such chain here"
        )),
        other => FixtureError::refused(other),
    }
}

/// The levels that `respacing` keeps: `none` (and what follows it), `ddimN`, or counts for equal sections as `50` or `10,15,20`.
pub(super) fn respaced(chain: &Chain, respacing: &str) -> Result<Grid, FixtureError> {
    if respacing.is_empty() || respacing.split_whitespace().next() == Some("none") {
        return Ok(chain.grid());
    }
    if let Some(steps) = respacing.strip_prefix("ddim") {
        let steps = count(steps, respacing)?;
        let kept = peers::ddim_stride(chain.len(), steps).map_err(FixtureError::refused)?;
        return at_indices(chain, &kept);
    }
    let sections = respacing.split(',').map(|part| count(part, respacing));
    let sections = sections.collect::<Result<Vec<_>, _>>()?;
    chain.respace_sections(&sections).map_err(FixtureError::refused)
}

/// A grid of a chain's levels, from 0-based indices in rising order.
pub(super) fn at_indices(chain: &Chain, rising: &[usize]) -> Result<Grid, FixtureError> {
    let noisiest_first: Vec<usize> = rising.iter().rev().map(|index| index + 1).collect();
    chain.grid_at(&noisiest_first).map_err(FixtureError::refused)
}

/// The chain of a configuration of diffusers: `{beta_schedule, beta_start, beta_end, num_train_timesteps}`.
pub(super) fn diffusers_chain(config: &Node<'_>) -> Result<Chain, FixtureError> {
    let steps = config.count("num_train_timesteps")?;
    let (start, end) = (config.number("beta_start")?, config.number("beta_end")?);
    between(config.text("beta_schedule")?, steps, start, end)
}

/// The chain of diffusers' DDIM, which may rescale its betas until no signal is left at the last level.
pub(super) fn diffusers_ddim_chain(config: &Node<'_>) -> Result<Chain, FixtureError> {
    let chain = diffusers_chain(config)?;
    match config.find("rescale_betas_zero_snr").map_or(Ok(false), |flag| flag.as_flag())? {
        true => chain.zero_terminal_snr().map_err(FixtureError::refused),
        false => Ok(chain),
    }
}

/// The step that diffusers' DDIM takes from a label: `len / steps` levels down, whatever label it asks about next.
///
/// Below the first label is the data, or with `set_alpha_to_one` off the first level.
pub(super) fn diffusers_ddim_span(
    config: &Node<'_>,
    chain: &Chain,
    label: usize,
    steps: usize,
) -> Result<Span, FixtureError> {
    let lands = peers::diffusers_ddim_previous(label, chain.len(), steps).map_err(FixtureError::refused)?;
    let to_data = config.find("set_alpha_to_one").map_or(Ok(true), |flag| flag.as_flag())?;
    let rising = match usize::try_from(lands) {
        Ok(lands) => vec![lands, label],
        Err(_) if to_data => vec![label],
        Err(_) if label > 0 => vec![0, label],
        Err(_) => return Err(FixtureError::Absent("a step from the first level to itself".to_owned())),
    };
    Ok(at_indices(chain, &rising)?.spans()[0])
}

/// The grid in EDM coordinates of a sigma-based scheduler of diffusers, from its single-precision chain.
pub(super) fn diffusers_sigmas(config: &Node<'_>, steps: usize) -> Result<Grid, FixtureError> {
    let spacing = config.text_or_empty("timestep_spacing");
    let karras = config.find("use_karras_sigmas").map_or(Ok(false), |flag| flag.as_flag())?;
    let chain = peers::diffusers_chain(&diffusers_chain(config)?).map_err(FixtureError::refused)?;
    let grid = match (spacing, karras) {
        ("" | "linspace", true) => chain.karras(steps, RHO, Labels::Interpolated),
        ("" | "linspace", false) => chain.respace_between(steps),
        ("leading" | "trailing", false) => Ok(at_labels(&chain, &diffusers_labels(config, chain.len(), steps)?)?),
        (other, true) => {
            return Err(FixtureError::Absent(format!("Karras' sigmas between the ends of a `{other}` spacing")));
        }
        (other, false) => return Err(FixtureError::NotCovered(format!("a spacing called `{other}`"))),
    };
    grid.and_then(|grid| grid.unscaled()).map_err(FixtureError::refused)
}

/// The whole labels that a scheduler of diffusers asks about, noisiest first.
pub(super) fn diffusers_labels(config: &Node<'_>, len: usize, steps: usize) -> Result<Vec<usize>, FixtureError> {
    let signed = match config.text_or_empty("timestep_spacing") {
        "" | "leading" => return leading(config, len, steps),
        "linspace" => return peers::diffusers_linspace(len, steps).map_err(FixtureError::refused),
        "trailing" => peers::diffusers_trailing(len, steps).map_err(FixtureError::refused)?,
        other => return Err(FixtureError::NotCovered(format!("a spacing called `{other}`"))),
    };
    let label = |label: i64| {
        let no_level = |_| FixtureError::Absent(format!("a question about label {label}, which is no level"));
        usize::try_from(label).map_err(no_level)
    };
    signed.into_iter().map(label).collect()
}

fn leading(config: &Node<'_>, len: usize, steps: usize) -> Result<Vec<usize>, FixtureError> {
    peers::diffusers_leading(len, steps, config.count_or("steps_offset", 0)?).map_err(FixtureError::refused)
}

fn at_labels(chain: &Chain, labels: &[usize]) -> Result<Grid, FixtureError> {
    let ts: Vec<usize> = labels.iter().map(|label| label + 1).collect();
    chain.grid_at(&ts).map_err(FixtureError::refused)
}

/// The grid of EDM's sampler: `{num_steps, sigma_min, sigma_max, rho}`.
pub(super) fn edm_grid(args: &Node<'_>) -> Result<Grid, FixtureError> {
    let (steps, rho) = (args.count("num_steps")?, args.number("rho")?);
    let grid = Grid::karras(steps, args.number("sigma_min")?, args.number("sigma_max")?, rho);
    grid.map_err(FixtureError::refused)
}

/// The churn of EDM's sampler: `{num_steps, S_min, S_max, S_noise}` and `S_churn`.
pub(super) fn churn(args: &Node<'_>, s_churn: f64) -> Result<Churn, FixtureError> {
    let (s_min, s_max) = (args.number("S_min")?, args.number("S_max")?);
    let churn = Churn::new(s_churn, s_min, s_max, args.number("S_noise")?, args.count("num_steps")?);
    churn.map_err(FixtureError::refused)
}

/// The spans of a grid by 0-based step, of which 0 is the last one taken.
pub(super) fn spans_at(grid: &Grid, steps: &[usize]) -> Result<Vec<Span>, FixtureError> {
    let span = |&step: &usize| grid.spans().iter().rev().nth(step).copied();
    let spans = steps.iter().map(span).collect::<Option<_>>();
    spans
        .ok_or_else(|| FixtureError::WrongField { field: "t".to_owned(), expected: "a list of steps of this schedule" })
}

/// `FIXED_SMALL` and its relatives, in either case.
pub(super) fn variance(name: &str) -> Result<(Variance, OutputVariance), FixtureError> {
    match name.to_ascii_lowercase().as_str() {
        "fixed_small" | "fixed_small_log" => Ok((Variance::FixedSmall, OutputVariance::None)),
        "fixed_large" => Ok((Variance::FixedLarge, OutputVariance::None)),
        "learned" => Ok((Variance::Learned, OutputVariance::LogVariance)),
        "learned_range" => Ok((Variance::Learned, OutputVariance::Range)),
        other => Err(FixtureError::NotCovered(format!("a variance called `{other}`"))),
    }
}

fn unknown(name: &str) -> FixtureError {
    FixtureError::NotCovered(format!("a schedule called `{name}`"))
}

fn count(text: &str, whole: &str) -> Result<usize, FixtureError> {
    let parsed = text.trim().parse();
    parsed.map_err(|_| FixtureError::NotCovered(format!("a respacing written `{whole}`")))
}

/// The words of a text, without commas between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',']).filter(|word| !word.is_empty())
}

/// `T=1000` in a text.
fn steps_in(text: &str) -> Result<usize, FixtureError> {
    let mut words = words(text);
    let steps = words.find_map(|word| word.strip_prefix("T=")?.parse().ok());
    steps.ok_or_else(|| FixtureError::NoField { field: "schedule.T".to_owned() })
}

/// `1e-4..0.02` in a text.
fn ends_in(text: &str) -> Option<(f64, f64)> {
    words(text).find_map(|word| {
        let (start, end) = word.split_once("..")?;
        Some((start.parse().ok()?, end.parse().ok()?))
    })
}

fn ends_of(schedule: &Node<'_>) -> Option<(f64, f64)> {
    let end = |field| schedule.find(field)?.as_number().ok();
    Some((end("beta_start")?, end("beta_end")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_chain_is_read_from_either_form() {
        let fields = json!({"name": "linear", "T": 4000});
        let text = json!("linear 1e-4..0.02 T=500");
        let commas = json!("linear 1e-4..0.02, T=500, alpha_bar in single precision");
        let read = |value| chain(&Node::root(value)).unwrap();
        assert_eq!(read(&commas), read(&text));
        let (scaled, plain) = (read(&fields), read(&text));
        assert_eq!((scaled.len(), plain.len()), (4000, 500));
        assert!((scaled.betas()[0] - 2.5e-5).abs() < 1e-18);
        assert!((plain.betas()[499] - 0.02).abs() < 1e-16);
    }

    #[test]
    fn respacings_are_read_from_their_notation() {
        let chain = Chain::linear(1000).unwrap();
        let steps = |text| respaced(&chain, text).map(|grid| grid.steps());
        assert_eq!((steps("none").unwrap(), steps("none (1000 steps)").unwrap()), (1000, 1000));
        assert_eq!(steps("ddim25").unwrap(), 25);
        assert_eq!(steps("10,15,20").unwrap(), 45);
        assert!(matches!(steps("ddim333"), Err(FixtureError::Refused(_))));
        assert!(matches!(steps("fast27"), Err(FixtureError::NotCovered(_))));
    }
}
