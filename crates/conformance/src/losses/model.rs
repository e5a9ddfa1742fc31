//! Golden vectors of losses, model.

use undrift_denoisers::{ClipX0, Denoiser, Eps, OutputVariance, Preconditioned};
use undrift_schedules::Chain;

use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::stated;
use crate::toy::Toy;

/// The toy of a file as an eps network.
pub(super) fn network(
    fixture: &Fixture,
    chain: &Chain,
    channels: OutputVariance,
) -> Result<Preconditioned<Toy, Eps>, FixtureError> {
    let model = stated::model(fixture)?;
    let toy = Toy {
        eps: model.eps()?,
        channel: model.channel(channels)?,
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
