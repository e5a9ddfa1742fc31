//! The toy model of a sidecar that states none, from its formulas: directories of the old form.

use undrift_denoisers::{Eps, Levels, OutputVariance, Preconditioned};
use undrift_losses::{InputPerturbation, squared_error};
use undrift_noise::Replay;

use crate::case::Arithmetic;
use crate::edm_toy::EdmToy;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::setting;
use crate::sidecar::Node;
use crate::tensors::values;
use crate::toy::{Pull, Toy, ToyEps, Wave};
use crate::toy_model::ToyModel;

/// What the formulas of a sidecar say.
pub(crate) fn of(fixture: &Fixture) -> Result<ToyModel, FixtureError> {
    let root = fixture.root();
    let mut model = ToyModel::default();
    if let Some(toys) = root.find("toy") {
        model.eps = Some(eps(fixture, &toys)?);
        (model.range, model.log_variance) = channels(&root, &toys)?;
    }
    if let Some(denoiser) = root.find("denoiser") {
        model.x0 = Some(EdmToy::read(denoiser.as_text().unwrap_or_default())?);
    }
    if let Some(grad) = root.find("grad") {
        let wrong = FixtureError::WrongField { field: "grad".to_owned(), expected: "a formula with `a*(x-b)` in it" };
        model.gradient = Some(Pull::read(grad.as_text().unwrap_or_default()).ok_or(wrong)?);
    }
    Ok(model)
}

/// The toy that a file has run: the one that it describes or that its name says, else the one that fits best.
fn eps(fixture: &Fixture, toys: &Node<'_>) -> Result<ToyEps, FixtureError> {
    if toys.has("formula") {
        return ToyEps::read(toys);
    }
    let words: Vec<&str> = fixture.stem().split('_').collect();
    let described: Vec<_> = toys.fields().into_iter().filter(|(_, toy)| toy.has("formula")).collect();
    if let Some((_, toy)) = described.iter().find(|(name, _)| words.contains(name)) {
        return ToyEps::read(toy);
    }
    let all = described.iter().map(|(_, toy)| ToyEps::read(toy)).collect::<Result<Vec<_>, _>>()?;
    let fits = |toy: &ToyEps| misfit(fixture, *toy).unwrap_or(f64::INFINITY);
    let best = all.into_iter().min_by(|a, b| fits(a).total_cmp(&fits(b)));
    best.ok_or_else(|| FixtureError::NoField { field: "toy.formula".to_owned() })
}

/// How far the squared errors of a toy are from the published ones.
fn misfit(fixture: &Fixture, eps: ToyEps) -> Result<f64, FixtureError> {
    let (root, tensors, run) = (fixture.root(), fixture.tensors(), Arithmetic::F64);
    let published = tensors.under(run).find(|(item, _)| item.ends_with("/mse") && !item.starts_with("respaced"));
    let Some((_, published)) = published else { return Ok(f64::INFINITY) };
    let chain = setting::chain(&root.get("schedule")?)?;
    let spans = setting::spans_at(&chain.grid(), &tensors.indices("t")?)?;
    let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
    let inputs = InputPerturbation::new(root.number_or("gamma", 0.0)?).map_err(FixtureError::refused)?;
    let draws = ["noise", "perturbation_noise"].into_iter().filter(|name| tensors.find(name).is_some());
    let mut noise = Replay::new(draws.map(|name| tensors.images(name, run)).collect::<Result<_, _>>()?);
    let network = Toy { eps, channel: None, alpha_bar: chain.levels().iter().map(|level| level.alpha_bar()).collect() };
    let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
    let errors = squared_error(&model, &inputs, tensors.images("x_start", run)?, &at, &mut noise);
    let errors = values(errors.map_err(FixtureError::refused)?);
    Ok(errors.iter().zip(&published.values).map(|(a, b)| (a - b).abs()).sum())
}

/// The second half of the channels, by what it is: of one chain, or of several losses in one text.
fn channels(root: &Node<'_>, toys: &Node<'_>) -> Result<(Option<Wave>, Option<Wave>), FixtureError> {
    if let Some(text) = root.find("variance_channel") {
        let wave = Some(Wave::read(text.as_text().unwrap_or_default())?);
        return Ok(match root.find("var_type").map(|name| setting::variance(name.as_text().unwrap_or_default())) {
            Some(Ok((_, OutputVariance::LogVariance))) => (None, wave),
            _ => (wave, None),
        });
    }
    let text = toys.text_or_empty("variance_channel");
    let labelled = |label: &str| text.split_once(label).map(|(_, wave)| Wave::read(wave)).transpose();
    Ok((labelled("v(x,t)")?, labelled("logvar channel")?))
}
