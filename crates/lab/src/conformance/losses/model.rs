//! Golden vectors of losses, model.

use undrift_denoisers::{ClipX0, Denoiser, Eps, OutputVariance, Preconditioned};
use undrift_schedules::Chain;

use crate::conformance::error::FixtureError;
use crate::conformance::fixture::Fixture;
use crate::conformance::sidecar::Node;
use crate::conformance::toy::{Toy, ToyEps, Wave};

/// The toy of a file as an eps network. A file that describes both toys says by its name which one it ran.
pub(super) fn network(
    fixture: &Fixture,
    chain: &Chain,
    channels: OutputVariance,
) -> Result<Preconditioned<Toy, Eps>, FixtureError> {
    let root = fixture.root();
    let toys = root.get("toy")?;
    let toy = Toy {
        eps: ToyEps::read(&chosen(fixture, &toys)?)?,
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

fn chosen<'a>(fixture: &Fixture, toys: &Node<'a>) -> Result<Node<'a>, FixtureError> {
    if toys.has("formula") {
        return Ok(toys.clone());
    }
    let words: Vec<&str> = fixture.stem().split('_').collect();
    let mut named = toys.fields().into_iter().filter(|(_, toy)| toy.has("formula"));
    let chosen = named.find(|(name, _)| words.contains(name));
    chosen.map(|(_, toy)| toy).ok_or_else(|| {
        let reason = "neither the sidecar nor the file's name says which toy was run".to_owned();
        FixtureError::NotCovered(reason)
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
