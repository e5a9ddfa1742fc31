//! What every chain of a toy model has: the model, and the noise that it replays.

use undrift_denoisers::{ClipX0, Denoiser, Eps, OutputVariance, Preconditioned};

use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::Array;
use crate::toy::Toy;

/// A toy network as a denoiser.
pub(super) fn model(toy: Toy, channels: OutputVariance, clip: bool) -> Box<dyn Denoiser<4>> {
    let model = Preconditioned { network: toy, parameterisation: Eps, variance: channels };
    match clip {
        true => Box::new(ClipX0(model)),
        false => Box::new(model),
    }
}

/// The first `steps` rows of noise: of the file itself, or of the file that its text names.
pub(super) fn noise(fixture: &Fixture, steps: usize) -> Result<Vec<Array>, FixtureError> {
    let rows = match fixture.tensors().find("noise") {
        Some(noise) => noise.rows(),
        None => {
            let text = fixture.root().text("noise")?;
            let named = fixture.named_in(text).ok_or_else(|| FixtureError::WrongField {
                field: "noise".to_owned(),
                expected: "the name of a file beside this one",
            })??;
            named.tensors().get("noise")?.rows()
        }
    };
    if rows.len() < steps {
        return Err(FixtureError::WrongShape {
            name: "noise".to_owned(),
            found: vec![rows.len()],
            expected: format!("at least {steps} rows, one for each step"),
        });
    }
    Ok(rows.into_iter().take(steps).collect())
}
