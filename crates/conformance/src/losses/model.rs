//! Golden vectors of losses, model.

use undrift_denoisers::{ClipX0, Denoiser, Eps, OutputVariance, Preconditioned};
use undrift_schedules::Chain;

use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::toy::{Toy, ToyEps, Wave};

/// The toy of a file as an eps network.
pub(super) fn network(
    fixture: &Fixture,
    chain: &Chain,
    channels: OutputVariance,
) -> Result<Preconditioned<Toy, Eps>, FixtureError> {
    match &candidates(fixture)?[..] {
        [toy] => network_of(fixture, toy, chain, channels),
        _ => {
            let reason = "neither the sidecar nor the file's name says which toy was run".to_owned();
            Err(FixtureError::NotCovered(reason))
        }
    }
}

/// One of the toys of a file as an eps network.
pub(super) fn network_of(
    fixture: &Fixture,
    toy: &Node<'_>,
    chain: &Chain,
    channels: OutputVariance,
) -> Result<Preconditioned<Toy, Eps>, FixtureError> {
    let toys = fixture.root().get("toy")?;
    let toy = Toy {
        eps: ToyEps::read(toy)?,
        channel: wave(&toys, channels)?,
        alpha_bar: chain.levels().iter().map(|level| level.alpha_bar()).collect(),
    };
    Ok(Preconditioned { network: toy, parameterisation: Eps, variance: channels })
}

/// The same as a denoiser, clipped or not.
pub(super) fn denoiser(model: Preconditioned<Toy, Eps>, clip: bool) -> Box<dyn Denoiser<4>> {
    match clip {
        true => Box::new(ClipX0(model)),
        false => Box::new(model),
    }
}

/// The toys that a file may have run: one, unless it describes several and does not say by its name which one.
pub(super) fn candidates(fixture: &Fixture) -> Result<Vec<Node<'_>>, FixtureError> {
    let toys = fixture.root().get("toy")?;
    if toys.has("formula") {
        return Ok(vec![toys]);
    }
    let words: Vec<&str> = fixture.stem().split('_').collect();
    let described: Vec<_> = toys.fields().into_iter().filter(|(_, toy)| toy.has("formula")).collect();
    let named = described.iter().find(|(name, _)| words.contains(name));
    Ok(match named {
        Some((_, toy)) => vec![toy.clone()],
        None => described.into_iter().map(|(_, toy)| toy).collect(),
    })
}

/// `v(x,t)=..` for a learned range, `logvar channel = ..` for a learned log-variance, in one text.
fn wave(toys: &Node<'_>, channels: OutputVariance) -> Result<Option<Wave>, FixtureError> {
    let label = match channels {
        OutputVariance::None => return Ok(None),
        OutputVariance::Range => "v(x,t)",
        OutputVariance::LogVariance => "logvar channel",
    };
    let text = toys.text("variance_channel")?;
    let (_, wave) = text
        .split_once(label)
        .ok_or_else(|| FixtureError::NoField { field: format!("toy.variance_channel: {label}") })?;
    Wave::read(wave).map(Some)
}
